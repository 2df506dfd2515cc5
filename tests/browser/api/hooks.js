const [hook, value] = self.location.search.slice(1).split("=");
const hooks = new BroadcastChannel("hooks");

/** The software GPU passes for hardware. */
function hardware() {
  Object.defineProperty(GPUAdapter.prototype, "info", {
    configurable: true,
    get: () => ({ vendor: "acme", architecture: "one", device: "", description: "", isFallbackAdapter: false }),
  });
}

const actions = {
  /** WebGPU as some versions of Firefox and Safari have it. */
  "no-timestamp-query"() {
    const { prototype } = GPUAdapter;
    const features = Object.getOwnPropertyDescriptor(prototype, "features").get;
    const requestDevice = prototype.requestDevice;
    Object.defineProperty(prototype, "features", {
      configurable: true,
      get() {
        return new Set([...features.call(this)].filter((name) => name !== "timestamp-query"));
      },
    });
    prototype.requestDevice = function (descriptor = {}) {
      const asked = [...(descriptor.requiredFeatures ?? [])];
      if (asked.includes("timestamp-query")) throw new TypeError("timestamp-query is not supported");
      return requestDevice.call(this, descriptor);
    };
  },
  /** A browser without WebGPU. */
  "no-webgpu"() {
    Object.defineProperty(navigator, "gpu", { value: undefined });
  },
  /** A private window that keeps nothing. */
  "no-opfs"() {
    StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException("not here", "SecurityError"));
  },
  /** A GPU that passes for hardware, whose driver takes the module down when it starts. */
  "broken-driver"() {
    hardware();
    GPUAdapter.prototype.requestDevice = () => {
      const error = new WebAssembly.RuntimeError("unreachable");
      self.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
      return new Promise(() => {});
    };
  },
  /** A GPU that passes for hardware and never answers, or whose driver does not. Nobody here waits half a minute for it. */
  "mute-gpu"() {
    const { setTimeout } = self;
    self.setTimeout = (handler, wait, ...rest) => setTimeout(handler, wait / 10, ...rest);
    const prototype = value === "adapter" ? GPU.prototype : GPUAdapter.prototype;
    prototype[value === "adapter" ? "requestAdapter" : "requestDevice"] = () => new Promise(() => {});
    hardware();
  },
  /** A GPU that passes for hardware, and whose numbers are wrong, whatever computes them. */
  "wrong-numbers"() {
    hardware();
    const { getMappedRange } = GPUBuffer.prototype;
    GPUBuffer.prototype.getMappedRange = function (...parameters) {
      const range = getMappedRange.apply(this, parameters);
      if (this.usage & GPUBufferUsage.MAP_READ) {
        const numbers = new Float32Array(range);
        numbers.set(numbers.map((number) => 1.5 * number + 0.5));
      }
      return range;
    };
  },
  /** A device that is lost when the test says so. */
  "lose-device"() {
    const requestDevice = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await requestDevice.call(this, descriptor);
      hooks.addEventListener("message", () => device.destroy(), { once: true });
      return device;
    };
  },
  /** A trap in the module when the test says so. */
  trap() {
    hooks.addEventListener("message", () => {
      const error = new WebAssembly.RuntimeError("unreachable");
      self.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
    });
  },
  /** Takes all memory that the module could still ask for, when the test says so. */
  "no-memory"() {
    const memory = new Promise((resolve) => {
      const { instantiateStreaming } = WebAssembly;
      WebAssembly.instantiateStreaming = async (...parameters) => {
        const module = await instantiateStreaming.apply(WebAssembly, parameters);
        resolve(module.instance.exports.memory);
        return module;
      };
    });
    hooks.addEventListener("message", async () => {
      const pages = (await memory).buffer.byteLength / 65_536;
      (await memory).grow(65_536 - pages);
    });
  },
  /** A device that does not answer any more when the test says so: nothing that is asked of the module ends. */
  silent() {
    const { postMessage } = MessagePort.prototype;
    let silent = false;
    hooks.addEventListener("message", () => (silent = true));
    MessagePort.prototype.postMessage = function (...parameters) {
      if (!silent) postMessage.apply(this, parameters);
    };
  },
  /** Nothing that is asked of the storage is answered after so many calls: the test hears of it, and closes the tab. */
  "stop-after"() {
    let calls = 0;
    const left = () => {
      calls += 1;
      if (calls <= Number(value)) return true;
      hooks.postMessage("stopped");
      return false;
    };
    const later = { FileSystemDirectoryHandle: ["getDirectoryHandle", "getFileHandle", "removeEntry"], FileSystemFileHandle: ["getFile", "createSyncAccessHandle", "move"], Blob: ["arrayBuffer", "text"] };
    const now = { FileSystemSyncAccessHandle: ["write", "truncate", "flush", "close"] };
    const wrap = (kinds, stopped) => {
      for (const [kind, names] of Object.entries(kinds)) {
        const { prototype } = self[kind];
        for (const name of names) {
          const method = prototype[name];
          prototype[name] = function (...parameters) {
            return left() ? method.apply(this, parameters) : stopped();
          };
        }
      }
    };
    wrap(later, () => new Promise(() => {}));
    wrap(now, () => {
      throw new Error("this tab is closed");
    });
    hooks.addEventListener("message", ({ data }) => data === "count" && hooks.postMessage({ calls }));
  },
  /** No room for another adapter, until the test says so. */
  "full-library"() {
    const { getDirectoryHandle } = FileSystemDirectoryHandle.prototype;
    let full = true;
    hooks.addEventListener("message", () => (full = false));
    FileSystemDirectoryHandle.prototype.getDirectoryHandle = function (name, options) {
      if (full && name === "adapters" && options?.create) throw new DOMException("no room", "QuotaExceededError");
      return getDirectoryHandle.call(this, name, options);
    };
  },
  /** No more room from when the test says so. */
  full() {
    const { write } = FileSystemSyncAccessHandle.prototype;
    let full = false;
    hooks.addEventListener("message", ({ data }) => (full = data === "full"));
    FileSystemSyncAccessHandle.prototype.write = function (...parameters) {
      if (full) throw new DOMException("no room", "QuotaExceededError");
      return write.apply(this, parameters);
    };
  },
};

actions[hook]();
