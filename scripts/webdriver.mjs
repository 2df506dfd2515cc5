// The little of WebDriver that scripts/browsers.mjs needs: a driver is a program that is spoken to over
// HTTP (https://www.w3.org/TR/webdriver2/).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** Seconds that a page is asked for at a time: Node's fetch waits for no answer longer than 300. */
const PATIENCE = 20;

/** A browser that is driven. What it and its driver print is kept, line by line, in `printed`. */
export class Driven {
  printed = [];
  #process;
  #address;
  #session = "";

  /** `command` with `--port=N` becomes the driver; `capabilities` say which browser it is to start. */
  static async start({ command, environment, capabilities }) {
    const driven = new Driven();
    await driven.#spawn(command, environment);
    try {
      const { sessionId, capabilities: had } = await driven.#ask("POST", "/session", { capabilities: { alwaysMatch: capabilities } });
      driven.#session = `/session/${sessionId}`;
      driven.capabilities = had;
      await driven.#ask("POST", "/timeouts", { script: (PATIENCE + 40) * 1000, pageLoad: 120_000 });
      return driven;
    } catch (error) {
      await driven.close();
      throw error;
    }
  }

  async #spawn([program, ...words], environment) {
    // A driver takes any port for 0, but does not tell which: one that was free a moment ago has to do.
    const port = await freePort();
    this.#address = `http://127.0.0.1:${port}`;
    this.#process = spawn(program, [...words, `--port=${port}`], { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => this.printed.push(...text.split("\n").filter(Boolean)));
    }
    let ended;
    this.#process.once("exit", (code) => (ended = `${program} ended with ${code}: ${this.printed.join("\n")}`));
    this.#process.once("error", (error) => (ended = error.message));
    for (;;) {
      if (ended) throw new Error(ended);
      const { value } = await fetch(`${this.#address}/status`).then((answer) => answer.json(), () => ({}));
      if (value?.ready) return;
      await pause(20);
    }
  }

  async #ask(method, path, body) {
    const answer = await fetch(this.#address + this.#session + path, {
      method,
      ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  /** Loads a page; the same one anew, too. (WebDriver's own reload goes past the service worker in Firefox.) */
  open(url) {
    return this.#ask("POST", "/url", { url });
  }

  /** Runs a function in the page. It sees nothing of this module; what it returns must be JSON. */
  run(work, ...args) {
    return this.#evaluate(`(${work})(...args)`, args);
  }

  /** Waits until a function in the page returns something, and gives that. */
  async until(what, seconds, work, ...args) {
    const poll = `(async () => {
      for (const end = Date.now() + ${PATIENCE * 1000}; Date.now() < end; await new Promise((turn) => setTimeout(turn, 50))) {
        const found = await (${work})(...args);
        if (found) return found;
      }
    })()`;
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      const found = await this.#evaluate(poll, args);
      if (found) return found;
    }
    throw new Error(`${what}: not within ${seconds} s`);
  }

  async #evaluate(expression, args) {
    const script = `const [args, done] = arguments;
      (async () => ${expression})().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.#ask("POST", "/execute/async", { script, args: [args] });
    if (error) throw new Error(error);
    return value;
  }

  newTab() {
    return this.#ask("POST", "/window/new", { type: "tab" }).then(({ handle }) => handle);
  }

  go(handle) {
    return this.#ask("POST", "/window", { handle });
  }

  closeTab() {
    return this.#ask("DELETE", "/window");
  }

  /** Bytes that the largest of the browser's processes had at most: the one that the page is in. Linux only. */
  largestProcess() {
    const read = (path) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return ""; // it has ended meanwhile
      }
    };
    const parents = new Map();
    for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      parents.set(Number(id), Number(read(`/proc/${id}/status`).match(/^PPid:\s*(\d+)/m)?.[1]));
    }
    const ours = (id) => id === this.#process.pid || (parents.has(id) && ours(parents.get(id)));
    const peaks = [...parents.keys()].filter(ours).map((id) => Number(read(`/proc/${id}/status`).match(/^VmHWM:\s*(\d+) kB/m)?.[1] ?? 0));
    return Math.max(...peaks) * 1024;
  }

  async close() {
    if (this.#session) await this.#ask("DELETE", "").catch(() => {}); // the browser may be gone
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill();
    await once(this.#process, "exit");
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
