// The one error of the API. Also used in the worker, whose errors cross as plain objects.

/** An error as it crosses between worker and page. */
export interface PlainError {
  code: string;
  message: string;
  hint?: string;
  rowsAtOnce?: number;
}

/**
 * What every rejected promise of the API is rejected with.
 *
 * `code` is for programs: the core's (`format`, `tensor`, `row`, `template`, `setting`, `adapter`,
 * `hub`, `storage`, `not_found`, `not_finite`, `device`), or one of the page's: `cancelled`,
 * `quota`, `network`, `busy`, `stopped`, `closed`, `device_lost`, `out_of_memory`, `crash`,
 * `model_needed`.
 */
export class FlantuneError extends Error {
  override readonly name = "FlantuneError";
  readonly code: string;
  /** What can be done about it, where that is known. */
  readonly hint?: string;
  /** Of a run that failed by a crash: with how many rows at a time it goes on when it is resumed. */
  readonly rowsAtOnce?: number;

  constructor(code: string, message: string, hint?: string, options: ErrorOptions & { rowsAtOnce?: number } = {}) {
    const { rowsAtOnce, ...rest } = options;
    super(message, rest);
    this.code = code;
    if (hint !== undefined) this.hint = hint;
    if (rowsAtOnce !== undefined) this.rowsAtOnce = rowsAtOnce;
  }

  /** The error that something thrown is: itself, a plain object with a code, or a failure without a name. */
  static from(thrown: unknown): FlantuneError {
    if (thrown instanceof FlantuneError) return thrown;
    if (isPlainError(thrown)) return new FlantuneError(thrown.code, thrown.message, thrown.hint, { cause: thrown });
    if (isNamed(thrown, "AbortError")) return cancelled();
    const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return new FlantuneError("crash", message, undefined, { cause: thrown });
  }

  /** As it crosses to the other thread. */
  plain(): PlainError {
    const { code, message, hint, rowsAtOnce } = this;
    return { code, message, ...(hint !== undefined && { hint }), ...(rowsAtOnce !== undefined && { rowsAtOnce }) };
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
  return "code" in thrown && typeof thrown.code === "string" && "message" in thrown && typeof thrown.message === "string";
}

/** Whether the engine was lost with this error: a fresh one takes its place. */
export function isCrash({ code }: PlainError): boolean {
  return code === "device_lost" || code === "out_of_memory" || code === "crash";
}
