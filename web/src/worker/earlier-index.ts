// Names and scores of adapters once lay in an IndexedDB database; now each adapter's record has its own.
// What that database says is taken over when an adapter without a record is met.

import { openDB } from "idb";

import { isNamed } from "../error.js";
import type { AdapterInfo } from "../types.js";

/** What the database knows of an adapter; nothing where there is no such database. */
export async function earlierInfo(id: string): Promise<AdapterInfo | undefined> {
  if (typeof indexedDB === "undefined") return undefined;
  try {
    const database = await openDB("flantune", 1, {
      upgrade(_database, _from, _to, transaction) {
        // There was none, and none is made.
        transaction.done.catch(() => {});
        transaction.abort();
      },
    });
    const info = (await database.get("adapters", id)) as AdapterInfo | undefined;
    database.close();
    return info;
  } catch (error) {
    if (isNamed(error, "AbortError")) return undefined;
    throw error;
  }
}
