// Serves the page with the element on the fake, on a free port of the loopback address.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export async function servePage() {
  const { outputFiles } = await build({
    entryPoints: [here("page.ts")],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const files = {
    "/page.html": ["text/html; charset=utf-8", await readFile(here("page.html"))],
    "/page.css": ["text/css", await readFile(here("../page.css"))],
    "/page.js": ["text/javascript", outputFiles[0].contents],
  };
  const server = createServer((request, response) => {
    const file = files[new URL(request.url, "http://localhost").pathname];
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": file[0], "cache-control": "no-store" }).end(file[1]);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}/page.html`;
  return {
    /** The address of a page with these options of the fake and these attributes. */
    address: ({ fake = {}, attributes = {}, search = "" } = {}) =>
      `${url}${search}#${new URLSearchParams({ fake: JSON.stringify(fake), attributes: JSON.stringify(attributes) })}`,
    close: () => server.close(),
  };
}
