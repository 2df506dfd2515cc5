// The bundler takes the element, the worker, the Wasm module, the built-in model and the demo sets from
// the package: nothing is copied by hand.

import "flantune/define";

document.addEventListener("flantune:adapter", ({ detail }) => {
  console.info(`trained ${detail.name}: ${detail.parameters} numbers`);
});
