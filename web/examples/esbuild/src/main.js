// esbuild bundles the element, and copies no files: `npx flantune copy-assets` does (package.json), and
// `worker-url` in the page says where the worker went. The rest is found beside it.

import "flantune/define";

document.addEventListener("flantune:adapter", ({ detail }) => {
  console.info(`trained ${detail.name}: ${detail.parameters} numbers`);
});
