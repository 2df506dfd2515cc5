/// <reference lib="esnext.disposable" preserve="true" />
// `await using`: the name by which it ends what it began. Browsers got it late; compilers that write
// `await using` in older words look for the second one.

export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");
