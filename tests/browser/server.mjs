// The server that the tests share: the page's own (scripts/serve.mjs), on a free port of the loopback
// address. Without `headers` it sends no policy: the core's checks run in a page with inline scripts.

export { policy, serve } from "../../scripts/serve.mjs";
