// What tabs that were closed in the middle of something left behind is removed when a worker starts,
// unless another tab is at work there.

import type { Adapters } from "./adapters.js";
import { whereFree } from "./locks.js";
import type { Models } from "./models.js";
import type { RunRecords } from "./run-records.js";
import { type OpfsMount, PROBES } from "./storage/opfs.js";
import type { Storage } from "./storage/storage.js";

/** Models that adapters were merged into, until they are zipped. */
export const MERGED = "merged";

export interface Swept {
  storage: Storage;
  opfs: OpfsMount;
  models: Models;
  records: RunRecords;
  adapters: Adapters;
}

export async function sweep({ storage, opfs, models, records, adapters }: Swept): Promise<void> {
  /** By directory: which paths nobody needs of what is in it by that name. */
  const areas: Record<string, (name: string) => Promise<string[]>> = {
    runs: (id) => records.leftOf(id),
    adapters: (id) => adapters.leftOf(id),
    models: (key) => models.leftOf(key),
    // What was found out about devices: nothing but what was being written is left over.
    devices: async () => [],
    [MERGED]: async (name) => [`${MERGED}/${name}`],
    [PROBES]: async (name) => [`${PROBES}/${name}`],
  };
  const tidy = async (directory: string, leftOf: () => Promise<string[]>) => {
    const left = async () => {
      const paths = await leftOf();
      return paths.includes(directory) ? paths : [...paths, ...(await opfs.unfinished(directory))];
    };
    if ((await left()).length === 0) return;
    // Looked at once more: somebody may have just finished.
    await whereFree(directory, async () => {
      for (const path of await left()) await storage.remove(path);
    });
  };
  const work = Object.entries(areas).map(async ([area, leftOf]) => {
    const names = await storage.list(area);
    await Promise.all(names.map((name) => tidy(`${area}/${name}`, () => leftOf(name)).catch(kept)));
  });
  await Promise.all(work.map((area) => area.catch(kept)));
}

/** What cannot be read or removed stays, and is no reason not to start. */
function kept(error: unknown): void {
  console.warn(
    "flantune: whether something was left behind could not be seen, or it could not be removed:",
    error,
  );
}
