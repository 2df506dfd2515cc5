// Holds the types of src/engine.ts and src/types.ts against samples that the Rust side wrote of its own
// (crate/wasm/src/contract.rs): one of each, with all it can have. Nothing runs: `tsc` is the test, and an
// error names what one language has and the other has not.

import type { de } from "../src/element/strings/de.js";
import type { RequestName, Requests } from "../src/engine.js";
import type { RunEvent } from "../src/types.js";
import type { answers, events, requests } from "./contract.samples.js";

type Primitive = string | number | boolean | null | undefined;
type KeysOf<T> = T extends unknown ? keyof T & string : never;
type ValueOf<T, Name extends string> = T extends unknown
  ? Name extends keyof T
    ? T[Name]
    : undefined
  : never;

/** The keys that a type names, those of its index left out. */
type Named<T> = keyof {
  [Name in keyof T as string extends Name ? never : `${string}/${string}` extends Name ? never : Name]: 0;
} &
  string;

/** Whether a type is a map with names of its own, which a sample need not have all of. */
type IsMap<T> = "rougeL" extends keyof T ? true : string extends keyof T ? true : false;

/** Where a sample, or a union of them, differs from a type: paths. */
type Differences<Sample, Type, Path extends string> = unknown extends Type
  ? never
  : [Sample] extends [Primitive]
    ? [Sample] extends [Type]
      ? never
      : `${Path} has another type`
    : [Sample] extends [readonly unknown[]]
      ? [Extract<Type, readonly unknown[]>] extends [never]
        ? `${Path} is a list in Rust alone`
        : Differences<Sample[number], Extract<Type, readonly unknown[]>[number], `${Path}[]`>
      : OfObject<Sample, Exclude<Type, Primitive | readonly unknown[]>, Path>;

type OfObject<Sample, Type, Path extends string> = [Type] extends [never]
  ? `${Path} is an object in Rust alone`
  :
      | {
          [Name in KeysOf<Sample>]: Name extends keyof Type
            ? Differences<Exclude<ValueOf<Sample, Name>, undefined>, Type[Name], `${Path}.${Name}`>
            : `${Path}.${Name} is there in Rust alone`;
        }[KeysOf<Sample>]
      | (IsMap<Type> extends true
          ? never
          : Exclude<Named<Type>, KeysOf<Sample>> extends infer Missing extends string
            ? Missing extends string
              ? `${Path}.${Missing} is there in TypeScript alone`
              : never
            : never);

type Sent<Name extends RequestName> = Omit<Extract<(typeof requests)[number], { request: Name }>, "request">;

/** Requests. */
type OfRequests = {
  [Name in RequestName]: Name extends (typeof requests)[number]["request"]
    ? Differences<Sent<Name>, Requests[Name]["params"], Name>
    : `${Name} is there in TypeScript alone`;
}[RequestName];
null as unknown as OfRequests satisfies never;
null as unknown as Exclude<(typeof requests)[number]["request"], RequestName> satisfies never;

/** Answers. Those of `step` and `checkpoint` are events. */
type OfAnswers = {
  [Name in Exclude<RequestName, "step" | "checkpoint">]: Name extends keyof typeof answers
    ? Differences<(typeof answers)[Name], Requests[Name]["answer"], Name>
    : `${Name} is there in TypeScript alone`;
}[Exclude<RequestName, "step" | "checkpoint">];
null as unknown as OfAnswers satisfies never;
type OfStep = Differences<
  Omit<(typeof answers)["step"], "events">,
  Omit<Requests["step"]["answer"], "events">,
  "step"
>;
null as unknown as OfStep satisfies never;

/** Events, each by its name. */
type EventName = RunEvent["event"];
type OfEvents = {
  [Name in EventName]: Name extends (typeof events)[number]["event"]
    ? Differences<Extract<(typeof events)[number], { event: Name }>, Extract<RunEvent, { event: Name }>, Name>
    : `${Name} is there in TypeScript alone`;
}[EventName];
null as unknown as OfEvents satisfies never;
null as unknown as Exclude<(typeof events)[number]["event"], EventName> satisfies never;

/** What German says of a form's keys. */
type Known = (typeof answers)["keys"][number];
type Shown = Extract<Known, { place: "listed" }>;
type Listed = Extract<Shown, { section: "method" | "train" | "eval" }>["name"];
null as unknown as Exclude<Listed, keyof typeof de.settings.help> satisfies never;
null as unknown as Exclude<keyof typeof de.settings.help, Listed> satisfies never;
type InWords = Extract<
  Known,
  { place: "listed" | "own"; words: true; section: "method" | "train" | "eval" }
>["name"];
null as unknown as Exclude<InWords, keyof typeof de.settings.defaultName> satisfies never;
null as unknown as Exclude<keyof typeof de.settings.defaultName, InWords> satisfies never;
