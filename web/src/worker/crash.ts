// Failures after which the module or its device is of no use. A panic in Rust is written to the
// console and then traps; so is memory that was refused, after which no panic is told of. In a task it
// traps outside of any promise, so that only the error event tells. A lost device may tell nothing at
// all: what was asked of it is never answered.

import { FlantuneError } from "../error.js";

const MEMORY =
  /out of memory|memory allocation|allocation failed|cannot (enlarge|grow) memory|not enough memory/i;

/** What the module's allocator writes to the console, with the bytes (crate/wasm/src/memory.rs). */
const REFUSED = "memory allocation failed, bytes:";

let told = false;
let panic: string | undefined;
let refused: number | undefined;
let tell: (error: FlantuneError) => void = () => {};

/** Has `report` told of the first crash. To be called before the module is loaded. */
export function watchForCrashes(report: (error: FlantuneError) => void): void {
  tell = report;
  const log = console.error;
  console.error = (...words: unknown[]) => {
    const text = words.map(String).join(" ");
    if (text.includes("panicked at")) panic = text.split("\n\nStack:", 1)[0];
    if (words[0] === REFUSED) refused = Number(words[1]);
    log(...words);
  };
  self.addEventListener("error", (event) => crashed(event.error ?? event.message));
  self.addEventListener("unhandledrejection", (event) => {
    if (isTrap(event.reason)) crashed(event.reason);
  });
  watchDevices();
}

/** Whether the module trapped: it must not be called again. */
export function isTrap(thrown: unknown): boolean {
  return panic !== undefined || thrown instanceof WebAssembly.RuntimeError;
}

/** Tells of a crash. Only the first one counts: others follow from it. */
export function crashed(reason: unknown): FlantuneError {
  const error = describe(reason);
  if (!told) {
    told = true;
    tell(error);
  }
  return error;
}

function describe(reason: unknown): FlantuneError {
  if (reason instanceof FlantuneError) return reason;
  if (panic === undefined && refused !== undefined) return outOfMemory(`${refused} bytes more were refused`);
  const thrown = reason instanceof Error ? reason.message : String(reason);
  const text = panic ?? thrown;
  if (MEMORY.test(text) || reason instanceof RangeError) return outOfMemory(text);
  const hint = "This is a fault of Flantune: please report it with this message";
  return new FlantuneError("crash", `The engine failed: ${text}`, hint);
}

function outOfMemory(detail: string): FlantuneError {
  const hint = "Take a smaller batch, shorter texts, the type int8 or int4, or a smaller model";
  return new FlantuneError("out_of_memory", `There is not enough memory: ${detail}`, hint);
}

/** After an error of the device, it is not to be trusted any more. */
export function deviceFailed({ message }: FlantuneError): FlantuneError {
  return crashed(lost(message));
}

/** Hears of it when a device is lost, whoever asked for it. */
function watchDevices(): void {
  if (typeof GPUAdapter === "undefined") return;
  const { prototype } = GPUAdapter;
  const requestDevice = prototype.requestDevice;
  prototype.requestDevice = async function (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) {
    const device = await requestDevice.call(this, descriptor);
    // The worker ends with its device: what is lost before that was not given back by us.
    void device.lost.then(({ message, reason }) => crashed(lost(message || reason)));
    device.addEventListener("uncapturederror", ({ error }) => {
      if (error instanceof GPUOutOfMemoryError) crashed(outOfMemory(error.message));
    });
    return device;
  };
}

function lost(detail: string): FlantuneError {
  if (MEMORY.test(detail)) return outOfMemory(detail);
  const hint = "Graphics drivers take the device away when they are updated, overloaded or out of memory";
  return new FlantuneError("device_lost", `The GPU was lost: ${detail}`, hint);
}
