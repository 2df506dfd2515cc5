// Which device it is to be, and why it is not the GPU.

import type { Device, Proof } from "../engine.js";
import { type DeviceReason, FlantuneError, type PlainError } from "../error.js";
import type { DeviceChoice, DeviceInfo } from "../types.js";
import { deviceFailed } from "./crash.js";
import type { Engine } from "./engine.js";

/** How long a GPU may take to start, in milliseconds: some drivers never answer. */
const PATIENCE = 30_000;
/** And to be proven: then shaders are compiled. */
const PROOF_PATIENCE = 180_000;
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software/i;
const BROWSERS =
  "WebGPU is in Chrome and Edge, in Safari from version 26, and in Firefox from 141 on Windows and 145 on Apple silicon";

const WRONG: PlainError<DeviceReason> = {
  code: "wrong_numbers",
  message: "This graphics driver computes wrong numbers; training on the processor",
  hint: "Update the graphics driver and the browser",
};

/** Starts the device that was chosen. Under `auto` the CPU is taken where the GPU is unavailable. */
export async function openDevice(engine: Engine, choice: DeviceChoice): Promise<DeviceInfo> {
  if (choice === "cpu") return info(await engine.request("openDevice", { device: "cpu" }));
  const adapter = await findAdapter(choice);
  if ("code" in adapter) return withoutGpu(engine, choice, adapter);
  let device: DeviceInfo;
  let proof: Proof;
  try {
    device = info(await answered(engine.request("openDevice", { device: "webgpu" })));
    // Browsers tell nothing of drivers; a version of theirs comes with its own compiler of shaders.
    const known = { name: allOf(adapter), driver: navigator.userAgent };
    proof = await answered(engine.request("proveDevice", known), PROOF_PATIENCE);
  } catch (thrown) {
    // The module waits for it for good: another worker goes on without it.
    if (thrown instanceof Silent && choice === "auto") throw deviceFailed(thrown);
    const { message, hint } = FlantuneError.from(thrown);
    const failed = { code: "failed" as const, message: `The GPU did not start: ${message}` };
    return withoutGpu(engine, choice, hint === undefined ? failed : { ...failed, hint });
  }
  if (!proof.right) return withoutGpu(engine, choice, WRONG);
  // The core only has a name where it is not in a browser, and some browsers (Firefox) tell none.
  const name = nameOf(adapter) ?? "WebGPU";
  return { ...device, name, ...(proof.wrong.length > 0 && { leftOut: proof.wrong }) };
}

async function withoutGpu(
  engine: Engine,
  choice: DeviceChoice,
  reason: PlainError<DeviceReason>,
): Promise<DeviceInfo> {
  if (choice === "webgpu") throw new FlantuneError("device", reason.message, reason.hint);
  return { ...info(await engine.request("openDevice", { device: "cpu" })), reason };
}

/** What the browser says of its GPU, or what stands against using it. */
async function findAdapter(
  choice: DeviceChoice,
): Promise<Partial<GPUAdapterInfo> | PlainError<DeviceReason>> {
  if (!("gpu" in navigator) || !navigator.gpu) {
    if (!self.isSecureContext) {
      const message = "Browsers give WebGPU to pages over https only";
      return { code: "insecure", message, hint: "Open this page by its https address, or from localhost" };
    }
    return { code: "no_webgpu", message: "This browser has no WebGPU", hint: BROWSERS };
  }
  let adapter: GPUAdapter | null;
  try {
    adapter = await answered(navigator.gpu.requestAdapter({ powerPreference: "high-performance" }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: "failed", message: `The browser's WebGPU failed: ${message}` };
  }
  if (!adapter) {
    const message = "The browser has WebGPU, but found no GPU that it may use";
    const hint =
      "Update the graphics driver and the browser, and see that hardware acceleration is on; on Linux it may need a flag (chrome://gpu tells)";
    return { code: "no_adapter", message, hint };
  }
  if (choice === "auto" && isSoftware(infoOf(adapter))) {
    const message =
      "The browser only has a GPU that is computed in software, which is slower than the CPU itself";
    const hint = "See that hardware acceleration is on in the browser's settings";
    return { code: "software", message, hint };
  }
  return infoOf(adapter);
}

/** A GPU that does not answer. */
class Silent extends FlantuneError {}

/** What a GPU answers, unless that takes too long. */
async function answered<Answer>(answer: Promise<Answer>, patience = PATIENCE): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Silent("device", `it does not answer since ${patience / 1000} seconds`);
    timer = setTimeout(() => reject(error), patience);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Browsers that came early to WebGPU say nothing of their adapter. */
function infoOf(adapter: { info?: GPUAdapterInfo }): Partial<GPUAdapterInfo> {
  return adapter.info ?? {};
}

function nameOf({ vendor, architecture, description }: Partial<GPUAdapterInfo>): string | undefined {
  return description || [vendor, architecture].filter(Boolean).join(" ") || undefined;
}

/** All that tells one adapter from another. */
function allOf({ vendor, architecture, device, description }: Partial<GPUAdapterInfo>): string {
  return [vendor, architecture, device, description].filter(Boolean).join(" ");
}

function isSoftware({
  vendor,
  architecture,
  device,
  description,
  isFallbackAdapter,
}: Partial<GPUAdapterInfo>): boolean {
  return isFallbackAdapter === true || SOFTWARE.test([vendor, architecture, device, description].join(" "));
}

function info({ kind, name, limits }: Device): DeviceInfo {
  return { kind, name, limits };
}
