// What is on the network: files by their addresses, and how their server behaves.

export interface Served {
  bytes: Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

export class Server {
  readonly files = new Map<string, Served>();
  /** Whether it continues a file from a byte on. */
  ranges = true;
  /** After how many bytes of a file the transfer breaks, once. */
  breakAt: number | undefined;
  readonly requests: { address: string; from: number | undefined }[] = [];

  async fetch(
    address: string,
    { signal, headers }: { signal?: AbortSignal; headers?: Record<string, string> },
  ): Promise<Response> {
    const range = /^bytes=(\d+)-$/.exec(headers?.["range"] ?? "")?.[1];
    const from = range === undefined ? undefined : Number(range);
    this.requests.push({ address, from });
    signal?.throwIfAborted();
    const file = this.files.get(address);
    if (!file) return new Response("not here", { status: 404 });
    const ranged = this.ranges && from !== undefined;
    if (ranged && from >= file.bytes.length) return new Response("", { status: 416 });
    const start = ranged ? from : 0;
    const { length } = file.bytes;
    return new Response(this.#body(file.bytes.slice(start)), {
      status: ranged ? 206 : 200,
      headers: {
        ...file.headers,
        ...(ranged && { "content-range": `bytes ${start}-${length - 1}/${length}` }),
      },
    });
  }

  #body(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { breakAt } = this;
    if (breakAt !== undefined && breakAt < bytes.length) this.breakAt = undefined;
    let at = 0;
    return new ReadableStream({
      pull: (controller) => {
        if (breakAt !== undefined && at >= breakAt)
          return controller.error(new TypeError("the connection was lost"));
        if (at >= bytes.length) return controller.close();
        const end = Math.min(at + (1 << 19), bytes.length, breakAt ?? Infinity);
        controller.enqueue(bytes.slice(at, end));
        at = end;
      },
    });
  }
}
