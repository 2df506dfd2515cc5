// What a tab leaves that is closed in the middle of something, in a real browser's file system. Here at
// some calls of the storage; web/test/worker walks over all of them, in memory.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { zipSync } from "fflate";

import { modelFiles, startHub } from "./hub.mjs";
import { expect, test } from "./support.js";

const ADAPTER = new URL("../oracle/tiny/gated/adapters/lora/trained/", import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, ADAPTER)));
const ZIP = zipSync({
  "adapter_config.json": read("adapter_config.json"),
  "adapter_model.safetensors": read("adapter_model.safetensors"),
});
const TINY = fileURLToPath(new URL("../oracle/tiny/gated", import.meta.url));
/** Steps between two checkpoints of the stories. */
const INTERVAL = 2;
/** At how many of a story's calls the tab is closed. */
const PLACES = { run: 10, stop: 8, import: 6, download: 6 };

for (const [story, places] of Object.entries(PLACES)) {
  test(`a tab that is closed in the middle loses nothing: ${story}`, async ({ api, context, site, allowed }) => {
    const hub = story === "download" ? await startHub(modelFiles(TINY)) : undefined;
    if (hub) allowed.push(hub.url, hub.downloads);
    const given = { zip: Buffer.from(ZIP).toString("base64"), ...(hub && { hubEndpoint: hub.url }) };
    /** Each time as in a browser that has nothing yet. */
    const clear = () =>
      api.evaluate(async () => {
        const root = await navigator.storage.getDirectory();
        await root.removeEntry("flantune", { recursive: true }).catch(() => {});
      });
    const act = async (at?: number) => {
      const tab = await context.newPage();
      await tab.goto(`${site.url}page.html`);
      const acted = await tab.evaluate(
        async ([story, given]) => (await import("/stories.js")).act(story, given),
        [story, { ...given, at }] as const,
      );
      await tab.close();
      // The browser releases them when the worker has ended.
      const held = () => api.evaluate(async () => (await navigator.locks.query()).held?.map(({ name }) => name));
      await expect.poll(held).toEqual([]);
      return acted;
    };
    const look = async () => {
      const tab = await context.newPage();
      await tab.goto(`${site.url}page.html`);
      const found = await tab.evaluate(async (given) => (await import("/stories.js")).lookAgain(given), given);
      await tab.close();
      return found;
    };
    await clear();
    const acted = await act();
    const { calls } = acted;
    const whole = await look();
    const expected = whole.losses.length > 0 ? whole.losses : acted.told.losses;
    expect(calls).toBeGreaterThan(20);
    let struck = 0;
    for (let place = 0; place < places; place += 1) {
      // How many calls a story has depends on how fast the machine is: a checkpoint may come by time. One that
      // ended before its place is told again.
      let [at, told, all] = [0, {} as typeof acted.told, calls];
      for (let times = 0; times < 3; times += 1) {
        at = Math.floor(((place + 0.5) * all) / places);
        await clear();
        const again = await act(at);
        told = again.told;
        if (again.first === "stopped") {
          struck += 1;
          break;
        }
        all = again.calls;
      }
      const where = `closed after call ${at} of ${all}`;
      const { files, runs, adapters, after, losses, start, models, complete } = await look();
      const ids = new Set([...runs, ...adapters].map(({ id }) => id));
      const lost = files.filter((path: string) => !path.startsWith("models/") && !ids.has(path.split("/")[1]));
      expect(lost, `${where}: files of nothing`).toEqual([]);
      expect(files.filter((path: string) => path.endsWith(".unfinished")), where).toEqual([]);
      if (told.begun) expect(runs, where).toHaveLength(1);
      if (start && !complete) expect(start.resumed_from ?? 0, where).toBeGreaterThanOrEqual(told.step - INTERVAL);
      // Gone on with, it comes to the same as a run that nobody touched.
      if (start) expect(losses, where).toEqual(expected);
      if (runs.length > 0) expect(after, where).toHaveLength(1);
      if (told.adapter) expect(adapters.map(({ id }: { id: string }) => id), where).toContain(told.adapter);
      if (told.model) expect(models, where).toMatchObject([{ complete: true }]);
    }
    expect(struck).toBe(places);
    hub?.close();
  });
}
