// What is stored of runs: a directory each, with a record in it, and the index.

import { FlantuneError } from "../api/error.js";
import type { Options } from "../protocol.js";
import type { RunEvent, RunInfo } from "../types.js";
import type { Table } from "./index.js";
import { plainName } from "./storage/files.js";
import type { Storage } from "./storage/storage.js";

/** What is needed to open a run again, in its directory. */
const RECORD = "page.json";
export interface RunRecord {
  info: RunInfo;
  /** As the core takes them; the rows' paths are in this run's directory. */
  options: Options;
}

export class RunRecords {
  constructor(
    readonly storage: Storage,
    readonly table: Table<RunInfo>,
  ) {}

  /** All runs that there is a directory of; the index is made to agree. */
  async ids(): Promise<string[]> {
    const ids = await this.storage.list("runs");
    for (const { id } of await this.table.all()) if (!ids.includes(id)) await this.table.delete(id);
    return ids;
  }

  /** Makes the run's directory. */
  async begin(record: RunRecord): Promise<void> {
    await this.storage.writeJson(`${directoryOf(record.info.id)}/${RECORD}`, record);
  }

  /** The events so far: those after the checkpoint are dropped when a run is opened. */
  async events(id: string): Promise<RunEvent[]> {
    const path = `${directoryOf(id)}/events.jsonl`;
    if (!(await this.storage.exists(path))) return [];
    const lines = (await this.storage.text(path)).split("\n").filter(Boolean);
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as RunEvent];
      } catch {
        // A tab that was closed while it wrote leaves a part of a line.
        return [];
      }
    });
  }

  /** Removes a run with all it has. */
  async remove(id: string): Promise<void> {
    await this.table.delete(id);
    await this.storage.remove(directoryOf(id));
  }

  /** Remembers how far a run is. */
  async save(info: RunInfo): Promise<void> {
    await this.table.put(info);
    const record = await this.#record(info.id);
    if (record) await this.storage.writeJson(`${directoryOf(info.id)}/${RECORD}`, { ...record, info });
  }

  /** Removes what only going on needs: rows, checkpoints, events. The adapter is in the library. */
  async finish(id: string): Promise<void> {
    const directory = directoryOf(id);
    const names = await this.storage.list(directory);
    for (const name of names) if (name !== RECORD) await this.storage.remove(`${directory}/${name}`);
  }

  /** A run that can be gone on with. */
  async stored(id: string): Promise<RunRecord> {
    const record = await this.#record(id);
    if (!record) throw new FlantuneError("not_found", `There is no run \`${id}\` in this browser`);
    const info = (await this.table.get(id)) ?? record.info;
    if (info.state !== "done") return { ...record, info };
    throw new FlantuneError("setting", "This run is done", "Train its adapter further: give its id as `initAdapter`");
  }

  /** What is remembered of a run; nothing where its directory was never finished. */
  async info(id: string): Promise<RunInfo | undefined> {
    return (await this.table.get(id)) ?? (await this.#record(id))?.info;
  }

  async #record(id: string): Promise<RunRecord | undefined> {
    try {
      return JSON.parse(await this.storage.text(`${directoryOf(id)}/${RECORD}`)) as RunRecord;
    } catch {
      // A tab that was closed while it made the directory leaves none.
      return undefined;
    }
  }
}

/** The directory of a run: the core's output directory. */
export function directoryOf(id: string): string {
  return `runs/${plainName(id)}`;
}
