// The bundler takes the element, the worker and the Wasm module from the package. The built-in model
// and the demo sets are copied into `public/` (package.json), and `assets-url` in the page says where.

import "flantune/define";

document.addEventListener("flantune:adapter", ({ detail }) => {
  console.info(`trained ${detail.name}: ${detail.parameters} numbers`);
});
