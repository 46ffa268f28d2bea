/*
 * All records of a store in batches, within a transaction.
 */

import { result } from './transaction.js';

/** How long a batch may take on the main thread, where it keeps the page from answering. */
const LONGEST_MS = 10;
const MOST_RECORDS = 1000;
const MOST_ON_A_PAGE = 200;
/** Batches grow until they have about that much. */
const BATCH_BYTES = 512 * 1024;

/**
 * Gives all records of a store in the order of their keys: calls `take(keys, values)`, which gives how many bytes that was, and runs while
 * the browser reads the next batch.
 */
export async function readStore(store, take, isPage) {
  let count = 8;
  let ask = request(store, undefined, count);
  for (;;) {
    const { keys, values } = await ask;
    if (keys.length === 0) return;
    ask = request(store, keys[keys.length - 1], count);
    const begun = performance.now();
    const bytes = take(keys, values);
    const elapsed = performance.now() - begun;
    count = Math.min(nextCount(keys.length, bytes, isPage ? elapsed : 0), isPage ? MOST_ON_A_PAGE : MOST_RECORDS);
  }
}

async function request(store, after, count) {
  const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
  // Both in one, in browsers that have it.
  if (store.getAllRecords !== undefined) {
    const records = await result(store.getAllRecords({ query: range, count }));
    return { keys: records.map(({ key }) => key), values: records.map(({ value }) => value) };
  }
  const [keys, values] = await Promise.all([result(store.getAllKeys(range, count)), result(store.getAll(range, count))]);
  return { keys, values };
}

/** How many records to ask for after a batch of so many that had so many bytes. */
function nextCount(records, bytes, elapsedMs) {
  const fitting = Math.floor((records * BATCH_BYTES) / Math.max(bytes, 1));
  const quick = elapsedMs === 0 ? Infinity : Math.floor((records * LONGEST_MS) / elapsedMs);
  return Math.max(1, Math.min(records * 4, fitting, quick));
}
