#!/usr/bin/env node
// Tries the real site in browsers other than the tests' Chromium, and prints a table of what works there.
//
// node scripts/browsers.mjs [NAME...]     (after scripts/start.sh or test.sh has built web/dist)
//
// NAME is one of BROWSERS below; without one all of them are tried, which takes some minutes each. A
// browser whose programs are missing is passed over, with a word on which; GECKODRIVER, FIREFOX,
// WEBKITDRIVER and XVFB name them where they are in no folder of PATH.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { writeSite } from "../web/site.mjs";
import { policy, serve } from "./serve.mjs";
import { Driven } from "./webdriver.mjs";

const BROWSERS = {
  firefox: { start: firefox() },
  "firefox-private": { start: firefox({ "browser.privatebrowsing.autostart": true }) },
  // Off on Linux as yet, and refused to graphics that are computed in software.
  "firefox-webgpu": { start: firefox({ "dom.webgpu.enabled": true, "gfx.webgpu.ignore-blocklist": true }), device: "webgpu" },
  webkit: { start: webkit },
};
/** Seconds for both methods, on a slow machine. */
const LONGEST = 900;

async function main() {
  const wanted = process.argv.slice(2);
  for (const name of wanted) if (!Object.hasOwn(BROWSERS, name)) fail(`found ${name}, expected ${Object.keys(BROWSERS).join(", ")}`);
  const folder = mkdtempSync(join(tmpdir(), "flantune-browsers-"));
  try {
    await writeSite({ output: join(folder, "site") });
    for (const [name, browser] of Object.entries(BROWSERS)) {
      if (wanted.length === 0 || wanted.includes(name)) await tryBrowser(name, browser, folder);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tryBrowser(name, { start, device }, folder) {
  const own = join(folder, name);
  const downloads = join(own, "downloads");
  mkdirSync(downloads, { recursive: true });
  const { missing, ...browser } = await start(own, downloads);
  if (missing) return console.log(`\n${name}: passed over, because ${missing} is missing`);
  const site = await serve({ "/": join(folder, "site") }, { headers: { "content-security-policy": policy() } });
  const frame = await serveFrame(own, join(folder, "site"));
  let driven;
  try {
    driven = await Driven.start(browser);
    const { browserName, browserVersion } = driven.capabilities;
    console.log(`\n${name}: ${browserName} ${browserVersion}`);
    await points(new Visit(driven, site, device, frame), downloads);
  } catch (error) {
    tell("it starts", error);
  } finally {
    await driven?.close();
    browser.end?.();
    site.close();
    frame.close();
  }
}

/** A page whose frame has no origin: it trains by the API, and tells the page around it. */
function serveFrame(folder, site) {
  mkdirSync(join(folder, "frame"));
  const outer = `<!doctype html><title>A lesson</title>
    <script>addEventListener("message", ({ data }) => (window.told = data));</script>
    <iframe sandbox="allow-scripts" src="inner.html"></iframe>`;
  const inner = `<!doctype html><title>A trainer</title><script type="module">
    ${inFrame}
    inFrame("/site/web/dist/flantune.js").then((value) => parent.postMessage(value, "*"), ({ message, hint }) => parent.postMessage({ error: message + " " + hint }, "*"));
    </script>`;
  writeFileSync(join(folder, "frame/index.html"), outer);
  writeFileSync(join(folder, "frame/inner.html"), inner);
  // Frames without an origin ask for scripts as from anywhere.
  return serve({ "/": join(folder, "frame"), "/site/": site }, { headers: { "access-control-allow-origin": "*" } });
}

/** In the frame. It sees nothing of this module. */
async function inFrame(module) {
  const { Flantune } = await import(module);
  const flantune = await Flantune.start({ device: "cpu" });
  const model = await flantune.loadModel({ builtin: true });
  const data = await flantune.loadData("reviews");
  const run = flantune.train(model, data, { method: "lora", rank: 4, maxSteps: 5, evalSamples: 0 });
  const losses = [];
  for await (const event of run) if (event.event === "step") losses.push(event.loss);
  const zip = new Uint8Array(await (await flantune.adapters.export(await run.adapter)).arrayBuffer());
  const { warnings } = flantune;
  await flantune.close();
  return { origin: self.origin, losses, bytes: zip.length, isZip: zip[0] === 0x50 && zip[1] === 0x4b, warnings: warnings.map(({ code }) => code) };
}

/** All that is looked at, one after the other. What needs another point to have gone well says so by failing. */
async function points(visit, downloads) {
  const point = async (name, work) => {
    const result = await work().catch((error) => error);
    tell(name, result);
    return !(result instanceof Error);
  };
  if (!(await point("the page opens", () => visit.open()))) return;
  // In software a GPU takes many seconds a step: some steps have to do.
  if (visit.device) {
    if (!(await point(`the page, if ${visit.device} is asked for`, () => visit.choose("&maxSteps=8")))) return;
    await point("some steps with LoRA", () => visit.someSteps());
    return void (await point("nothing went wrong on the console", () => visit.console()));
  }
  await point("“Try it” trains with both methods", () => visit.train());
  await point("what the page’s process took of memory at most", () => visit.memory());
  await point("an adapter is exported", () => visit.export(downloads));
  await point("adapters are there after a reload", () => visit.reload());
  if (visit.keeps) {
    await point("a run that a reload cut off goes on", () => visit.cutOff(() => undefined));
    await point("a run whose tab was closed goes on", () => visit.cutOff(() => visit.anotherTab()));
  }
  await point("without the server the page loads and trains", () => visit.withoutServer());
  // On a server of its own.
  await point("in a frame without an origin it trains, says that nothing is kept, and exports", () => visit.frame());
  await point("nothing went wrong on the console", () => visit.console());
}

function tell(name, result) {
  if (result instanceof Error) process.exitCode = 1;
  console.log(`| ${name} | ${result instanceof Error ? `**no**: ${result.message}` : (result ?? "yes")} |`);
}

/** The site in a browser. `keeps`: whether the browser keeps anything for it. */
class Visit {
  keeps = false;
  #errors = [];

  constructor(driven, site, device, withFrame) {
    Object.assign(this, { driven, site, device, withFrame });
  }

  /** Loads the page, with these settings, and gives what it says it runs on. */
  async open(settings = "") {
    if (this.opened) await this.#collect();
    this.opened = true;
    await this.driven.open(`${this.site.url}?lang=en${settings}`);
    return this.#ready();
  }

  /** Waits until the trainer is there and the built-in model is loaded. */
  async #ready() {
    await this.driven.until("the element is defined", 60, () => document.querySelector("flan-tune:defined")?.shadowRoot.querySelector("[data-step]") !== undefined);
    await this.driven.run(watch);
    const said = await this.driven.until("the trainer starts", 120, () => {
      const { all, textOf } = window.visit;
      const problem = all(".problem-content").map(textOf).find(Boolean);
      const runsOn = all("p").map(textOf).find((text) => text.startsWith("Runs on"));
      const loaded = /million/.test(textOf(all("[data-step=model]")[0]));
      return problem ? { problem } : loaded && runsOn ? { runsOn } : undefined;
    });
    if (said.problem) throw new Error(`the page says: ${said.problem}`);
    this.keeps = !said.runsOn.includes("keeps nothing");
    return said.runsOn;
  }

  async choose(settings) {
    await this.open(settings);
    await this.driven.run((device) => document.querySelector("flan-tune").setAttribute("device", device), this.device);
    return this.#ready();
  }

  async someSteps() {
    const { steps, begun } = await this.#press("[part~=train]", ({ adapters }) => adapters.length === 1);
    return `${steps.length} steps, the first told after ${seconds(steps[0].at - begun)}, the last after ${seconds(steps.at(-1).at - begun)}; loss ${steps[0].loss.toFixed(2)} to ${steps.at(-1).loss.toFixed(2)}`;
  }

  async train() {
    const found = await this.#press("[part~=try]", ({ adapters, status }) => adapters.length === 2 && status.startsWith("Done"));
    const { steps, begun } = found;
    const second = steps.findIndex(({ step }, place) => place > 0 && step === 1);
    const runs = [steps.slice(0, second), steps.slice(second)];
    const told = runs.map((run, place) => {
      const losses = run.map(({ loss }) => loss);
      const [before, after] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
      if (!(after < before * 0.9)) throw new Error(`the loss went from ${before} to ${after}`);
      const gaps = run.slice(1).map(({ at }, index) => at - run[index].at).sort((a, b) => a - b);
      return `${["LoRA", "prompt"][place]} ${run.length} steps of ${seconds(gaps[gaps.length >> 1])} in the median, loss ${before.toFixed(2)} to ${after.toFixed(2)}`;
    });
    for (const [, before, lora, prompt] of found.rows) {
      if (lora === before || prompt === before) throw new Error(`the outputs did not change: ${JSON.stringify(found.rows)}`);
    }
    if (found.rows.length !== 3) throw new Error(`there are ${found.rows.length} held-out rows`);
    return `first loss after ${seconds(steps[0].at - begun)}; ${told.join("; ")}; all of it ${seconds(found.ended - begun)}; all ${found.rows.length} outputs changed`;
  }

  /** Presses a button that trains, and gives what was seen once `enough`, a function of the page, is true. */
  async #press(selector, enough) {
    await this.driven.run((selector) => window.visit.press(selector), selector);
    const found = await this.driven.until("training", LONGEST, `() => {
      const found = window.visit.seen();
      return found.problem || (${enough})(found) ? found : undefined;
    }`);
    if (found.problem) throw new Error(`the page says: ${found.problem}`);
    return found;
  }

  memory() {
    return Promise.resolve(`${(this.driven.largestProcess() / 1e6).toFixed(0)} MB`);
  }

  async export(downloads) {
    await this.driven.run(async () => {
      const { all, press } = window.visit;
      if (all("[aria-label^='Export:']").length === 0) press("[data-step=adapters]");
      while (all("[aria-label^='Export:']").length === 0) await new Promise(requestAnimationFrame);
      press("[aria-label^='Export:']");
    });
    for (const end = Date.now() + 30_000; Date.now() < end; await pause(50)) {
      const name = readdirSync(downloads).find((name) => name.endsWith(".zip"));
      const bytes = name ? readFileSync(join(downloads, name)) : Buffer.alloc(0);
      // A download may be there before it is whole; the list of a zip's files is its end.
      if (bytes.length > 0 && bytes.subarray(-22).readUInt32LE() === 0x06054b50) {
        for (const file of ["adapter_config.json", "adapter_model.safetensors"]) {
          if (!bytes.includes(file)) throw new Error(`${name} has no ${file}`);
        }
        return `${name}, ${bytes.length} bytes`;
      }
    }
    throw new Error("no zip was saved");
  }

  async reload() {
    await this.open();
    const summary = () => {
      const { all, textOf } = window.visit;
      return textOf(all("[data-step=adapters]")[0]).match(/\d+ adapters?/)?.[0];
    };
    if (!this.keeps) return `${await this.driven.until("the library", 30, summary)}: this browser keeps nothing, which the page says`;
    await this.driven.until("two adapters in the library", 30, `() => (${summary})() === "2 adapters"`);
  }

  /** Cuts a run off some steps after its second checkpoint, and goes on with it. */
  async cutOff(cut) {
    await this.open("&epochs=2&checkpointEvery=10");
    const before = await this.#press("[part~=train]", ({ steps }) => steps.length >= 25);
    await this.#collect();
    await cut();
    await this.open();
    const offered = await this.driven.until("the run is offered", 60, () => {
      const { all, textOf } = window.visit;
      return all(".notice li .number").map(textOf)[0];
    });
    const after = await this.#press("[aria-label^='Go on:']", ({ adapters }) => adapters.length === 1);
    const same = before.steps.every(({ step, loss }, place) => after.steps[place].step === step && after.steps[place].loss === loss);
    const once = after.steps.every(({ step }, place) => step === place + 1);
    if (!same || !once) throw new Error(`“${offered}”, then other steps or losses: ${JSON.stringify([before.steps, after.steps])}`);
    return `“${offered}”; then on to step ${after.steps.length}`;
  }

  /** The site in a new tab, in place of the one that is closed. */
  async anotherTab() {
    const tab = await this.driven.newTab();
    await this.driven.closeTab();
    await this.driven.go(tab);
  }

  async frame() {
    await this.#collect();
    await this.driven.open(this.withFrame.url);
    const { error, origin, losses, bytes, isZip, warnings } = await this.driven.until("the frame trains", 300, () => window.told);
    if (error) throw new Error(error);
    if (origin !== "null" || losses.length !== 5 || !isZip || !warnings.includes("no_storage")) throw new Error(JSON.stringify({ origin, losses, isZip, warnings }));
    return `5 steps, loss ${losses[0].toFixed(2)} to ${losses.at(-1).toFixed(2)}, a zip of ${bytes} bytes`;
  }

  async withoutServer() {
    await this.driven.until("the site is kept", 60, () => navigator.serviceWorker?.controller !== null);
    this.site.close();
    await this.open();
    const { steps } = await this.#press("[part~=try]", ({ steps }) => steps.length >= 3);
    return `${steps.length} steps`;
  }

  /** What pages threw or called an error, and what the browser printed of it. */
  async console() {
    await this.#collect();
    // Firefox prints its own troubles too: only those of the page's files count.
    const printed = this.driven.printed.filter((line) => /CONSOLE \w+ ERROR/.test(line) || (/^JavaScript error/.test(line) && line.includes(this.site.url)));
    const all = [...this.#errors, ...printed];
    if (all.length > 0) throw new Error(all.join("; "));
  }

  async #collect() {
    this.#errors.push(...(await this.driven.run(() => window.visit?.errors.splice(0) ?? [])));
  }
}

/** In the page: notes what comes, and knows the way around in the element. */
function watch() {
  if (window.visit) return;
  const element = document.querySelector("flan-tune");
  const seen = { steps: [], adapters: [], begun: 0, ended: 0 };
  const errors = [];
  const all = (selector) => [...element.shadowRoot.querySelectorAll(selector)];
  const textOf = (node) => (node?.checkVisibility?.() === false ? "" : (node?.innerText ?? "").trim());
  element.addEventListener("flantune:step", ({ detail }) => seen.steps.push({ at: performance.now(), step: detail.step, loss: detail.loss }));
  element.addEventListener("flantune:adapter", ({ detail }) => {
    seen.adapters.push(detail.method);
    seen.ended = performance.now();
  });
  element.addEventListener("flantune:error", ({ detail }) => (seen.problem = `${detail.message} ${detail.hint ?? ""}`));
  addEventListener("error", ({ message }) => errors.push(message));
  addEventListener("unhandledrejection", ({ reason }) => errors.push(`rejected: ${reason}`));
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => errors.push(`${violatedDirective} refused ${blockedURI}`));
  const { error } = console;
  console.error = (...words) => {
    errors.push(words.join(" "));
    error.apply(console, words);
  };
  window.visit = {
    all,
    textOf,
    errors,
    press(selector) {
      seen.begun = performance.now();
      all(selector)[0].click();
    },
    seen: () => ({
      ...seen,
      status: element.shadowRoot.querySelector("[role=status]").textContent,
      rows: all(".tries li").map((row) => [...row.querySelectorAll("dd")].map(textOf)),
    }),
  };
}

/** Firefox, with these preferences too. */
function firefox(preferences = {}) {
  return async (folder, downloads) => {
    const driver = program("GECKODRIVER", ["geckodriver"]);
    const binary = program("FIREFOX", ["firefox", "firefox-esr"]);
    if (!driver || !binary) return { missing: driver ? "Firefox" : "geckodriver" };
    const prefs = {
      "browser.download.folderList": 2, // 2: the folder that is named
      "browser.download.dir": downloads,
      "browser.dom.window.dump.enabled": true, // prints what scripts throw
      ...preferences,
    };
    const options = { binary, args: ["-headless"], prefs };
    return { command: [driver], environment: { TMPDIR: folder }, capabilities: { browserName: "firefox", "moz:firefoxOptions": options } };
  };
}

/** WebKitGTK's own small browser, which needs a screen. While it is driven its window is a private one. */
async function webkit(folder, downloads) {
  const driver = program("WEBKITDRIVER", ["WebKitWebDriver"]);
  const xvfb = program("XVFB", ["Xvfb"]);
  if (!driver || !xvfb) return { missing: driver ? "Xvfb" : "WebKitWebDriver" };
  writeFileSync(join(folder, "user-dirs.dirs"), `XDG_DOWNLOAD_DIR="${downloads}"\n`);
  const screen = spawn(xvfb, ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const [display] = await once(screen.stdio[3].setEncoding("utf8"), "data");
  return {
    command: [driver],
    environment: { DISPLAY: `:${display.trim()}`, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder, XDG_DATA_HOME: folder },
    capabilities: { "webkitgtk:browserOptions": { args: ["--automation", "--enable-write-console-messages-to-stdout=true"] } },
    end: () => screen.kill(),
  };
}

/** A program's path: named by a variable, or found by one of its names. */
function program(variable, names) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return [process.env[variable], ...names.flatMap((name) => folders.map((folder) => join(folder, name)))].filter(Boolean).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function fail(message) {
  console.error(`browsers.mjs: ${message}`);
  process.exit(1);
}

await main();
