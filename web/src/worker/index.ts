// The index of what is stored: an IndexedDB database, or a map where the browser gives none.

import { type DBSchema, openDB } from "idb";

import type { AdapterInfo, RunInfo } from "../types.js";

export interface Table<Row> {
  get(id: string): Promise<Row | undefined>;
  all(): Promise<Row[]>;
  put(row: Row): Promise<void>;
  delete(id: string): Promise<void>;
}

export interface Index {
  runs: Table<RunInfo>;
  adapters: Table<AdapterInfo>;
}

interface Schema extends DBSchema {
  runs: { key: string; value: RunInfo };
  adapters: { key: string; value: AdapterInfo };
}

export async function openIndex(): Promise<Index> {
  try {
    const database = await openDB<Schema>("flantune", 1, {
      upgrade(database) {
        database.createObjectStore("runs", { keyPath: "id" });
        database.createObjectStore("adapters", { keyPath: "id" });
      },
    });
    return {
      runs: {
        get: (id) => database.get("runs", id),
        all: () => database.getAll("runs"),
        put: async (row) => void (await database.put("runs", row)),
        delete: (id) => database.delete("runs", id),
      },
      adapters: {
        get: (id) => database.get("adapters", id),
        all: () => database.getAll("adapters"),
        put: async (row) => void (await database.put("adapters", row)),
        delete: (id) => database.delete("adapters", id),
      },
    };
  } catch {
    return memoryIndex();
  }
}

export function memoryIndex(): Index {
  return { runs: memoryTable(), adapters: memoryTable() };
}

function memoryTable<Row extends { id: string }>(): Table<Row> {
  const rows = new Map<string, Row>();
  return {
    get: async (id) => rows.get(id),
    all: async () => [...rows.values()],
    put: async (row) => void rows.set(row.id, row),
    delete: async (id) => void rows.delete(id),
  };
}
