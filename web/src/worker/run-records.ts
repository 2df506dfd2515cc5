// What is stored of runs: a directory each, with a record in it. The record is written when the rest
// is there: without one there is no run.

import type { Options } from "../engine.js";
import { FlantuneError } from "../error.js";
import type { Metrics, RunEvent, RunInfo } from "../types.js";
import { RECORD, readRecord, removeRecorded, writeRecord } from "./record.js";
import { plainName } from "./storage/files.js";
import type { Storage } from "./storage/storage.js";

/** What is needed to open a run again. */
export interface RunRecord {
  info: RunInfo;
  /** As the core takes them; the rows' paths are in this run's directory. */
  options: Options;
}

export class RunRecords {
  constructor(readonly storage: Storage) {}

  /** What is remembered of all runs. */
  async all(): Promise<RunInfo[]> {
    const ids = await this.storage.list("runs");
    const infos = await Promise.all(
      ids.map((id) => this.info(id).catch((error: unknown) => unreadable(id, error))),
    );
    return infos.flatMap((info) => info ?? []);
  }

  /** What is remembered of a run; nothing where there is none, and only there. */
  async info(id: string): Promise<RunInfo | undefined> {
    return (await readRecord<RunRecord>(this.storage, directoryOf(id)))?.info;
  }

  /** A run that can be gone on with. */
  async stored(id: string): Promise<RunRecord> {
    const record = await readRecord<RunRecord>(this.storage, directoryOf(id));
    if (!record) throw new FlantuneError("not_found", `There is no run \`${id}\` in this browser`);
    if (record.info.state !== "done") return record;
    throw new FlantuneError(
      "setting",
      "This run is done",
      "Train its adapter further: give its id as `initAdapter`",
    );
  }

  /** Writes what is remembered of a run; the first time, when all else that it needs is in its directory. */
  async save(record: RunRecord): Promise<void> {
    await writeRecord(this.storage, directoryOf(record.info.id), record);
  }

  /** What came of a run whose result is written; nothing of one that can be gone on with. */
  async result(id: string): Promise<{ steps: number; metrics: Metrics } | undefined> {
    const record = await this.storage.json<{ result?: { steps: number; metrics: Metrics } | null } | null>(
      `${directoryOf(id)}/run.json`,
    );
    return record?.result ?? undefined;
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

  /** Removes what only going on needs: rows, checkpoints, events. The adapter is in the library. */
  async finish(id: string): Promise<void> {
    for (const path of await this.leftOf(id)) await this.storage.remove(path);
  }

  /** Removes a run with all it has. */
  async remove(id: string): Promise<void> {
    await removeRecorded(this.storage, directoryOf(id));
  }

  /** What nobody needs of a run's directory, where nobody works on it. */
  async leftOf(id: string): Promise<string[]> {
    const directory = directoryOf(id);
    const record = await readRecord<RunRecord>(this.storage, directory);
    if (!record) return [directory];
    if (record.info.state !== "done") return [];
    const names = await this.storage.list(directory);
    return names.filter((name) => name !== RECORD).map((name) => `${directory}/${name}`);
  }
}

/** The directory of a run: the core's output directory. */
export function directoryOf(id: string): string {
  return `runs/${plainName(id)}`;
}

/** A run whose record cannot be read: it is kept, and says why it cannot be gone on with. */
function unreadable(id: string, error: unknown): RunInfo {
  return {
    id,
    name: id,
    state: "failed",
    created: 0,
    step: 0,
    steps: 0,
    method: "lora",
    model: { kind: "files", name: "", dtype: "f32" },
    data: { name: "", rows: 0 },
    options: {},
    problem: FlantuneError.from(error).message,
  };
}
