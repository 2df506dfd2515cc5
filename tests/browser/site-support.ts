// What the tests of the whole site share: the site as scripts/site.sh writes it, servers that send the
// page's policy, and a watch over what the page's pages do.

import { expect, test as base, type BrowserContext, type Frame, type Page } from "@playwright/test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { hubOf, writeSite } from "../../web/site.mjs";
import { policy, serve } from "./server.mjs";

export { expect };

export const EXAMPLES = fileURLToPath(new URL("../../web/examples/", import.meta.url));

interface Server {
  port: number;
  url: string;
  close(): void;
}

interface ServeOptions {
  /** A fixed port: of a server that is gone for a while. */
  port?: number;
  headers?: Record<string, string>;
  /** Without the page's policy: the page has one of its own. */
  bare?: boolean;
}

interface Fixtures {
  /** An empty folder. */
  folder: string;
  /** Serves folders by prefix until the test ends. */
  open: (roots: Record<string, string>, options?: ServeOptions) => Promise<Server>;
  /** A copy of the site, to be changed at will. */
  copy: (name: string) => string;
}

export const test = base.extend<Fixtures, { site: string }>({
  site: [
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), "flantune-site-"));
      const output = join(folder, "site");
      await writeSite({ output });
      await use(output);
      rmSync(folder, { recursive: true });
    },
    { scope: "worker" },
  ],
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), "flantune-test-"));
    await use(folder);
    rmSync(folder, { recursive: true });
  },
  copy: async ({ folder, site }, use) => {
    await use((name) => {
      const path = join(folder, name);
      cpSync(site, path, { recursive: true });
      return path;
    });
  },
  open: async ({}, use) => {
    const servers: Server[] = [];
    await use(async (roots, { port, headers = {}, bare = false } = {}) => {
      const sent = bare ? headers : { "content-security-policy": policy(), ...headers };
      const server = await serve(roots, { ...(port !== undefined && { port }), headers: sent });
      servers.push(server);
      return server;
    });
    for (const server of servers) server.close();
  },
});

/**
 * Notes what must not happen in any page of a context: an exception, something that a policy refused,
 * a request to an origin other than these.
 */
export function watch(context: BrowserContext, ...origins: string[]): string[] {
  const seen: string[] = [];
  context.on("request", (request) => {
    const known = ["blob:", "data:", ...origins].some((origin) => request.url().startsWith(origin));
    if (!known) seen.push(`a request to ${request.url()}`);
  });
  context.on("weberror", (error) => seen.push(`thrown: ${String(error.error())}`));
  context.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Refused/.test(message.text())) seen.push(message.text());
  });
  return seen;
}

/** A way to a server that counts what comes over it. */
export async function counted(port: number): Promise<{ url: string; bytes: () => number; close: () => void }> {
  let bytes = 0;
  const sockets = new Set<Socket>();
  const way = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    far.on("data", (piece) => (bytes += piece.length));
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      sockets.add(socket);
      socket.pipe(other);
      // Browsers break off what they need no more.
      socket.on("error", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => way.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(way.address() as AddressInfo).port}/`,
    bytes: () => bytes,
    close() {
      way.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Presses "Try it". */
export async function tryIt(place: Page | Frame): Promise<void> {
  await place.getByRole("button", { name: "Try it", exact: true }).click();
}

/** The losses that `<flan-tune>` tells of, from now on. */
export async function losses(place: Page | Frame, count: number): Promise<number[]> {
  return place.evaluate((count) => {
    const losses: number[] = [];
    return new Promise<number[]>((resolve, reject) => {
      document.addEventListener("flantune:step", ({ detail }) => {
        losses.push(detail.loss);
        if (losses.length === count) resolve(losses);
      });
      document.addEventListener("flantune:error", ({ detail }) => reject(new Error(detail.message)));
    });
  }, count);
}

/** A site with its files compressed, in seconds rather than as well as can be. */
export async function compressedSite(output: string): Promise<void> {
  await writeSite({ output, quality: 9 });
}

/** A site with its hub set. */
export async function siteWithHub(output: string, hub: string): Promise<void> {
  await writeSite({ output, hub: hubOf(hub) });
}
