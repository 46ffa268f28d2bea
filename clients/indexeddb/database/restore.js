/*
 * Restores the records of a file into the stores of one transaction, all of them or none. Only records that differ are written.
 */

import { RowkeepError } from '../errors.js';
import { RestoreStore } from './restore-store.js';
import { setNext } from './schema.js';
import { hold } from './transaction.js';

/** What happens, by mode, to records that only the database has, that differ, and that only the file has. */
const MODES = {
  replace: { gone: true, changed: 'put', absent: true },
  update: { gone: false, changed: 'put', absent: true },
  merge: { gone: false, changed: 'keep', absent: true },
};

/** The modes that there are. */
export const MODE_NAMES = Object.keys(MODES);

/**
 * Restores stores of a file, which are given with the number that each goes on with; the transaction is kept open until all is there. With
 * `dryRun` nothing is written. Gives the counts of each store.
 */
export async function restoreStores(transaction, file, stores, { mode, dryRun = false }, watch) {
  const run = { watch, failure: undefined };
  const rules = { ...MODES[mode], dryRun };
  const targets = stores.map(({ name, next }) => ({
    name,
    next,
    store: transaction.objectStore(name),
    rules,
    counts: { inserted: 0, updated: 0, deleted: 0, same: 0, kept: 0, left: 0 },
  }));
  try {
    if (!dryRun && mode !== 'merge') {
      // Where an index allows each value once, what goes has to be gone before what comes.
      const unique = targets.filter(({ store }) => Array.from(store.indexNames).some((index) => store.index(index).unique));
      for (const target of unique) target.rules = { ...rules, changed: 'delete', absent: false };
      await pass(file, unique, run);
      for (const target of unique) target.rules = { ...rules, gone: false, changed: 'none' };
    }
    await pass(file, targets, run);
    if (!dryRun) {
      for (const { store, next } of targets) {
        if (next !== undefined && store.autoIncrement) await setNext(store, next);
      }
    }
  } catch (error) {
    throw run.failure ?? error;
  }
  return Object.fromEntries(targets.map(({ name, counts }) => [name, counts]));
}

/** Goes once through the records of some stores. */
async function pass(file, targets, run) {
  if (targets.length === 0) return;
  const begun = new Map();
  const begin = ({ name, store, rules, counts }) => {
    if (begun.has(name)) throw new RowkeepError('damaged', `the records of the store ${name} stand in two places of the file`, { store: name });
    begun.set(name, new RestoreStore(store, rules, counts, file, run));
    return begun.get(name);
  };
  const runs = file.runs(targets.map(({ name }) => name));
  let current;
  for (;;) {
    const { done, value } = await hold(targets[0].store, runs.next());
    if (done) break;
    if (current?.name !== value.store) {
      await current?.finish();
      current = begin(targets.find(({ name }) => name === value.store));
    }
    await current.take(value.lines);
  }
  await current?.finish();
  // A store without a record in the file has only records of its own.
  for (const target of targets) {
    if (!begun.has(target.name)) await begin(target).finish();
  }
}
