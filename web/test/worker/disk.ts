// An origin's private file system in memory, as far as the worker uses it. The files outlive the tab;
// each tab has handles of its own, whose calls may fail.

import type { Faults } from "./faults.js";

/** What is on the disk: a file's bytes, or what a directory holds. */
export class Node {
  bytes = new Uint8Array();
  /** Held by an access handle. */
  busy: Faults | undefined;
  readonly entries: Map<string, Node> | undefined;

  constructor(kind: "file" | "directory") {
    if (kind === "directory") this.entries = new Map();
  }
}

/** The paths of all that is in a directory; those of directories end with a slash. */
export function paths(node: Node, path = ""): string[] {
  return [...(node.entries ?? [])].flatMap(([name, entry]) => {
    const below = path + name;
    return entry.entries ? [`${below}/`, ...paths(entry, `${below}/`)] : [below];
  });
}

/** A whole copy, for a tab that is to find the same once more. */
export function copyOf(node: Node): Node {
  const copy = new Node(node.entries ? "directory" : "file");
  copy.bytes = node.bytes.slice();
  for (const [name, entry] of node.entries ?? []) copy.entries?.set(name, copyOf(entry));
  return copy;
}

function missing(name: string): DOMException {
  return new DOMException(`${name} is not there`, "NotFoundError");
}

export class DirectoryHandle {
  readonly kind = "directory";

  constructor(
    readonly faults: Faults,
    readonly node: Node,
    readonly name: string,
  ) {}

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<DirectoryHandle> {
    return new DirectoryHandle(this.faults, await this.#entry(name, create, "directory"), name);
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FileHandle> {
    return new FileHandle(this.faults, await this.#entry(name, create, "file"), name, this.node);
  }

  async removeEntry(name: string, { recursive = false } = {}): Promise<void> {
    await this.faults.pass("remove");
    const entry = this.#entries.get(name);
    if (!entry) throw missing(name);
    if (busy(entry)) throw new DOMException(`${name} is open`, "NoModificationAllowedError");
    if (entry.entries && entry.entries.size > 0) {
      if (!recursive) throw new DOMException(`${name} is not empty`, "InvalidModificationError");
      // No browser promises to do this at once, or in some order: here records go last.
      const inner = new DirectoryHandle(this.faults, entry, name);
      const isRecord = (below: string) => Number(below === "page.json" || below === "download.json");
      const names = [...entry.entries.keys()].sort((one, other) => isRecord(one) - isRecord(other));
      for (const below of names) await inner.removeEntry(below, { recursive });
    }
    this.#entries.delete(name);
  }

  async *keys(): AsyncGenerator<string> {
    for await (const [name] of this.entries()) yield name;
  }

  async *entries(): AsyncGenerator<[string, DirectoryHandle | FileHandle]> {
    await this.faults.pass("look");
    for (const [name, entry] of [...this.#entries]) {
      yield [
        name,
        entry.entries
          ? new DirectoryHandle(this.faults, entry, name)
          : new FileHandle(this.faults, entry, name, this.node),
      ];
    }
  }

  get #entries(): Map<string, Node> {
    if (!this.node.entries) throw missing(this.name);
    return this.node.entries;
  }

  async #entry(name: string, create: boolean, kind: "file" | "directory"): Promise<Node> {
    const makes = create && !this.#entries.has(name);
    await this.faults.pass(makes ? "write" : "look");
    if (makes && !this.#entries.has(name)) this.#entries.set(name, new Node(kind));
    const entry = this.#entries.get(name);
    if (!entry) throw missing(name);
    if ((entry.entries === undefined) !== (kind === "file"))
      throw new DOMException(`${name} is no ${kind}`, "TypeMismatchError");
    return entry;
  }
}

export class FileHandle {
  readonly kind = "file";

  constructor(
    readonly faults: Faults,
    readonly node: Node,
    public name: string,
    readonly parent: Node,
  ) {}

  async getFile(): Promise<Blob> {
    await this.faults.pass("look");
    if (this.parent.entries?.get(this.name) !== this.node) throw missing(this.name);
    return new StoredFile(this.node.bytes, this.faults);
  }

  async createSyncAccessHandle(): Promise<AccessHandle> {
    await this.faults.pass("write");
    if (this.node.busy && !this.node.busy.closed)
      throw new DOMException(`${this.name} is open`, "NoModificationAllowedError");
    this.node.busy = this.faults;
    return new AccessHandle(this.faults, this.node);
  }

  /** Takes the place of what has the name. */
  async move(name: string): Promise<void> {
    await this.faults.pass("write");
    if (this.node.busy && !this.node.busy.closed)
      throw new DOMException(`${this.name} is open`, "NoModificationAllowedError");
    if (this.parent.entries?.get(this.name) !== this.node) throw missing(this.name);
    this.parent.entries.delete(this.name);
    this.parent.entries.set(name, this.node);
    this.name = name;
  }
}

class AccessHandle {
  constructor(
    readonly faults: Faults,
    readonly node: Node,
  ) {}

  write(bytes: Uint8Array, { at }: { at: number }): number {
    this.faults.passNow("write");
    const longer = new Uint8Array(Math.max(this.node.bytes.length, at + bytes.length));
    longer.set(this.node.bytes);
    longer.set(bytes, at);
    this.node.bytes = longer;
    return bytes.length;
  }

  truncate(size: number): void {
    this.faults.passNow("remove");
    this.node.bytes = this.node.bytes.slice(0, size);
  }

  getSize(): number {
    this.faults.passNow("remove");
    return this.node.bytes.length;
  }

  flush(): void {
    this.faults.passNow("write");
  }

  close(): void {
    this.faults.passNow("remove");
    this.node.busy = undefined;
  }
}

/** A file as it was when it was asked for, read later. */
class StoredFile extends Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #faults: Faults;

  constructor(bytes: Uint8Array<ArrayBuffer>, faults: Faults) {
    super([bytes]);
    this.#bytes = bytes;
    this.#faults = faults;
  }

  override slice(start?: number, end?: number): Blob {
    return new StoredFile(this.#bytes.slice(start, end), this.#faults);
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    await this.#faults.pass("look");
    return this.#bytes.slice().buffer;
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }
}

function busy(node: Node): boolean {
  return (node.busy !== undefined && !node.busy.closed) || [...(node.entries?.values() ?? [])].some(busy);
}
