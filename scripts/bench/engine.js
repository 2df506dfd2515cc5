// In a page: `flantune bench` by a module that wasm-bindgen wrote, of which nothing but the clock is asked.

/** The cases of a request, from the module in a folder. */
export async function bench(folder, device, request) {
  const { default: init, Engine } = await import(`${folder}flantune_wasm.js`);
  await init();
  const none = () => Promise.reject({ code: "not_found", message: "there are no files" });
  const nothing = async () => {};
  const engine = new Engine({
    length: none,
    read: none,
    create: none,
    append: none,
    list: async () => [],
    remove: nothing,
    shown: (path) => path,
    seconds: () => performance.now() / 1000,
    turn: nothing,
    progress: () => {},
  });
  const call = async (request) => {
    try {
      return JSON.parse(await engine.call(1, JSON.stringify(request)));
    } catch ({ message }) {
      throw new Error(message);
    }
  };
  await call({ request: "openDevice", device });
  return (await call({ request: "bench", ...request })).cases;
}
