export { Adapters } from "./api/adapters.js";
export { Data } from "./api/data.js";
export { Flantune } from "./api/flantune.js";
export { Model } from "./api/model.js";
export { Models, type PlanOptions } from "./api/models.js";
export { Run } from "./api/run.js";
export { type ResumeOptions, Runs } from "./api/runs.js";
export type { DemoSet, Key } from "./engine.js";
export {
  type DeviceReason,
  type ErrorCode,
  FlantuneError,
  type LoadReason,
  type PlainError,
  type Reason,
} from "./error.js";
export type { Changed } from "./protocol.js";
export type * from "./types.js";
