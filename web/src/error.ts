// The one error of the API. Also used in the worker, whose errors cross as plain objects.

/** The core's codes. */
type CoreCode =
  | "format"
  | "tensor"
  | "row"
  | "template"
  | "setting"
  | "adapter"
  | "hub"
  | "storage"
  | "not_found"
  | "not_finite"
  | "device";

/** What `FlantuneError.code` may be: the core's codes, and the page's own. */
export type ErrorCode =
  | CoreCode
  /** What is around does not let the engine start: a server, a frame, a policy. */
  | "environment"
  | "network"
  | "quota"
  | "cancelled"
  | "stopped"
  | "closed"
  | "busy"
  | "model_needed"
  | "device_lost"
  | "out_of_memory"
  | "crash"
  /** A warning only: what is made is gone when the page is closed. */
  | "no_storage";

/** Why it is not the GPU that computes. */
export type DeviceReason = "insecure" | "no_webgpu" | "no_adapter" | "software" | "wrong_numbers" | "failed";

/** Why one of Flantune's own files (the worker, the Wasm module, an asset) is unavailable. */
export const LOAD_REASONS = [
  // The network does not answer, and nothing else is known.
  "unreachable",
  // The server answers with a status such as 404.
  "status",
  // The server answers with a web page, as single-page sites do for addresses that they do not know.
  "html",
  // The server does not let other origins read it.
  "cors",
  // The page's policy has no fitting `connect-src`, `worker-src`, `'wasm-unsafe-eval'`.
  "connect_src",
  "worker_src",
  "wasm_eval",
  // The page is isolated by COEP, and the worker's script does not come with that header.
  "coep",
  // The page demands Trusted Types.
  "trusted_types",
  // It is there, but it is something else, or of another version.
  "content",
] as const;
export type LoadReason = (typeof LOAD_REASONS)[number];

/** More than the code says: of `network` and `environment`, and of `no_storage` that a frame has no origin. */
export type Reason = LoadReason | "frame";

/** An error as it crosses between worker and page. */
export interface PlainError<Code extends string = ErrorCode> {
  code: Code;
  message: string;
  hint?: string;
  rowsAtOnce?: number;
  reason?: Reason;
  url?: string;
}

/** What an error may have beside its words. */
export interface ErrorDetails extends ErrorOptions {
  rowsAtOnce?: number | undefined;
  reason?: Reason | undefined;
  url?: string | undefined;
}

/** What every rejected promise of the API is rejected with. `code` is for programs. */
export class FlantuneError extends Error {
  override readonly name = "FlantuneError";
  readonly code: ErrorCode;
  /** What can be done about it, where that is known. */
  readonly hint?: string;
  /** Of a run that failed by a crash: with how many rows at a time it goes on when it is resumed. */
  readonly rowsAtOnce?: number;
  /** Of one of Flantune's own files that could not be loaded: why, and its address. */
  readonly reason?: Reason;
  readonly url?: string;

  constructor(
    code: ErrorCode,
    message: string,
    hint?: string,
    { rowsAtOnce, reason, url, ...rest }: ErrorDetails = {},
  ) {
    super(message, rest);
    this.code = code;
    if (hint !== undefined) this.hint = hint;
    if (rowsAtOnce !== undefined) this.rowsAtOnce = rowsAtOnce;
    if (reason !== undefined) this.reason = reason;
    if (url !== undefined) this.url = url;
  }

  /** The error that something thrown is: itself, a plain object with a code, or a failure without a name. */
  static from(thrown: unknown): FlantuneError {
    if (thrown instanceof FlantuneError) return thrown;
    if (isPlainError(thrown)) {
      const { code, message, hint, rowsAtOnce, reason, url } = thrown;
      return new FlantuneError(code, message, hint, { cause: thrown, rowsAtOnce, reason, url });
    }
    if (isNamed(thrown, "AbortError")) return cancelled();
    const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return new FlantuneError("crash", message, undefined, { cause: thrown });
  }

  /** As it crosses to the other thread. */
  plain(): PlainError {
    const { code, message, hint, rowsAtOnce, reason, url } = this;
    return {
      code,
      message,
      ...(hint !== undefined && { hint }),
      ...(rowsAtOnce !== undefined && { rowsAtOnce }),
      ...(reason !== undefined && { reason }),
      ...(url !== undefined && { url }),
    };
  }
}

/** The error of work that was called off. */
export function cancelled(): FlantuneError {
  return new FlantuneError("cancelled", "It was called off");
}

/** Whether it is a DOM exception of this name. */
export function isNamed(thrown: unknown, name: string): boolean {
  return thrown instanceof DOMException && thrown.name === name;
}

function isPlainError(thrown: unknown): thrown is PlainError {
  if (typeof thrown !== "object" || thrown === null) return false;
  // A DOM exception has a code too: a number.
  return (
    "code" in thrown &&
    typeof thrown.code === "string" &&
    "message" in thrown &&
    typeof thrown.message === "string"
  );
}

/** Whether the engine was lost with this error: a fresh one takes its place. */
export function isCrash({ code }: PlainError<string>): boolean {
  return code === "device_lost" || code === "out_of_memory" || code === "crash";
}
