// Holds the requests of src/engine.ts against samples that the Rust side wrote of its own
// (crate/wasm/src/request.rs): one of each, with all it can have. Nothing runs: `tsc` is the test.

import type { Request, RequestName, Requests } from "../src/engine.js";
import { samples } from "./requests.samples.js";

type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;
type Sample = (typeof samples)[number];

// Rust sends nothing that TypeScript does not know.
samples satisfies readonly Frozen<Request>[];

// TypeScript knows no request that Rust does not.
type Missing = Exclude<RequestName, Sample["request"]>;
null as unknown as Missing satisfies never;

/** Keys of a request that Rust's sample has not. */
type Unknown<Name extends RequestName> = Exclude<
  keyof Requests[Name]["params"],
  keyof Extract<Sample, { request: Name }>
>;
type Unread = { [Name in RequestName]: Unknown<Name> }[RequestName];
null as unknown as Unread satisfies never;
