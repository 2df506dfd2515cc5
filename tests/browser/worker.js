// Holds the Wasm module, as the page's worker does. run.mjs calls the functions set on `self`.

import init, { list_checks, run_check } from "/wasm/flantune_tests.js";

// A panic is written to the console and then traps. In a task it traps outside of any promise, so
// that only the error event tells.
const panics = [];
const log = console.error;
console.error = (...words) => {
  panics.push(words.join(" "));
  log(...words);
};
const crash = new Promise((_, reject) => {
  const fail = (reason) => reject(new Error(describe(reason)));
  self.addEventListener("error", (event) => fail(event.error ?? event.message));
  self.addEventListener("unhandledrejection", (event) => fail(event.reason));
});
crash.catch(() => {}); // whoever races against it sees it

const ready = init({ module_or_path: "/wasm/flantune_tests_bg.wasm" });

self.listChecks = async () => {
  await ready;
  return JSON.parse(list_checks());
};

// `broken` says that the module trapped and must not be called again.
self.runCheck = async ({ name, device, files }) => {
  try {
    await ready;
    const bytes = await Promise.all(files.map(load));
    const contents = new Map(files.map((file, index) => [file, bytes[index]]));
    await Promise.race([run_check(name, device, contents), crash]);
    return { ok: true };
  } catch (error) {
    const broken = panics.length > 0 || error instanceof WebAssembly.RuntimeError;
    return { ok: false, broken, message: describe(error) };
  }
};

self.adapterName = async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return "no adapter";
  const { vendor, architecture, description } = adapter.info;
  return [vendor, architecture, description].filter(Boolean).join(", ") || "an adapter without a name";
};

async function load(file) {
  const response = await fetch(`/oracle/${file}`);
  if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

function describe(error) {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return panics.length > 0 ? panics.join("\n") : message;
}
