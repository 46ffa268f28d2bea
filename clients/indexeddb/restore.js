/*
 * From a file into a database.
 */

import { create, openExisting } from './database/open.js';
import { MODE_NAMES, restoreStores } from './database/restore.js';
import { compareStores, makeStores, readSchema } from './database/schema.js';
import { abort, committed } from './database/transaction.js';
import { RowkeepError, explained } from './errors.js';
import { openFile } from './file/open.js';
import { isSpecial, unportableIn } from './values/decode.js';

/**
 * Restores a file into a database that is open, or that `name` names: one that does not exist is made as the file says. The file is read
 * once before anything is changed, and refused where it is damaged.
 */
export async function restoreFrom(blob, { database, name }, options, watch) {
  const { mode = 'replace', dryRun = false, unportable = 'refuse' } = options;
  if (!MODE_NAMES.includes(mode)) throw new RowkeepError('not-allowed', `there is no mode ${mode}: choose ${MODE_NAMES.join(', ')}`);
  if (unportable !== 'refuse' && unportable !== 'leave') {
    throw new RowkeepError('not-allowed', `unportable: ${unportable} means nothing: choose refuse or leave`);
  }
  const opened = database ?? await openExisting(name);
  try {
    const own = opened === null ? undefined : schemaOf(opened);
    const file = await openFile(blob);
    const found = await file.verify(watch, (store) => own?.find((known) => known.name === store)?.keyPath);
    const stores = chosen(file, options.stores);
    checkUnportable(found, stores, unportable);
    const notes = [...found.notes, ...(own === undefined ? [] : compareStores(stores, own)), ...versionNotes(opened, file)];
    if (!dryRun) await checkSpace(blob);
    const counts = opened === null
      ? await restoreNew(name, file, stores, options, watch)
      : await restoreInto(opened, file, stores, { mode, dryRun }, watch);
    return { mode, dryRun, made: opened === null, time: file.header.time, stores: counts, notes };
  } catch (error) {
    throw explained(error, 'the file cannot be restored');
  } finally {
    if (database === undefined) opened?.close();
  }
}

function schemaOf(database) {
  const names = Array.from(database.objectStoreNames);
  return names.length === 0 ? [] : readSchema(database.transaction(names, 'readonly'));
}

/** Says where the file is of another version of the application. */
function versionNotes(database, { header: { databaseVersion } }) {
  if (database === null || databaseVersion === undefined || databaseVersion === database.version) return [];
  return [`the file is of version ${databaseVersion} of the database, which is of version ${database.version} here; its records come back as they were`];
}

/** The stores that are wanted of a file. */
function chosen(file, wanted) {
  const missing = wanted?.find((name) => !file.stores.some((store) => store.name === name));
  if (missing !== undefined) {
    const there = file.stores.map(({ name }) => name).join(', ');
    throw new RowkeepError('no-such-store', `the file has no store ${missing}; it has ${there || 'none'}`, { store: missing });
  }
  return wanted === undefined ? file.stores : file.stores.filter(({ name }) => wanted.includes(name));
}

/** Refuses what cannot come back, unless it is to be left out. */
function checkUnportable(found, stores, unportable) {
  const lost = found.unportable.filter(({ store }) => stores.some(({ name }) => name === store));
  if (lost.length === 0 || unportable === 'leave') return;
  const [{ store, type, why }] = lost;
  throw new RowkeepError('unportable', `${lost.length} values could not leave the browser that the file is of, the first of them a ${type} in the store `
    + `${store}: ${why}. With unportable: 'leave', their records are left as they are here, and left out where they are not here`, { unportable: lost });
}

/** Refuses what the browser says it has no space for; it says too much space rather than too little, so that the end may still be `no-space`. */
async function checkSpace(blob) {
  const { quota, usage } = await navigator.storage?.estimate?.() ?? {};
  if (quota === undefined || quota - usage >= blob.size) return;
  throw new RowkeepError('no-space', `the file has ${blob.size} bytes, and the browser has ${Math.max(0, quota - usage)} left for this site: free space on the `
    + 'device, or remove data of this site that is not needed, and do it again');
}

async function restoreInto(database, file, stores, options, watch) {
  if (stores.length === 0) return {};
  const mode = options.dryRun ? 'readonly' : 'readwrite';
  const transaction = database.transaction(stores.map(({ name }) => name), mode, { durability: 'strict' });
  const ended = committed(transaction);
  try {
    const counts = await restoreStores(transaction, file, stores, options, watch);
    transaction.commit();
    await ended;
    return counts;
  } catch (error) {
    abort(transaction);
    await ended.catch(() => {});
    throw transaction.error?.name === 'QuotaExceededError' ? transaction.error : error;
  }
}

async function restoreNew(name, file, stores, { dryRun = false }, watch) {
  const unknown = file.stores.find(({ keyPath }) => keyPath === undefined);
  if (unknown !== undefined || file.header.databaseVersion === undefined) {
    throw new RowkeepError('no-such-database', `there is no database ${name}, and the file does not say how one is made: open the application once, so that it `
      + 'makes its database, and do it again');
  }
  if (dryRun) return emptyCounts(file, stores, watch);
  let counts;
  const database = await create(name, file.header.databaseVersion, async (made, transaction) => {
    makeStores(made, file.stores);
    if (stores.length > 0) counts = await restoreStores(transaction, file, stores, { mode: 'merge' }, watch);
  });
  database.close();
  return counts ?? {};
}

/** What a restore into a new database would do. */
async function emptyCounts(file, stores, watch) {
  const counts = Object.fromEntries(stores.map(({ name }) => [name, { inserted: 0, updated: 0, deleted: 0, same: 0, kept: 0, left: 0 }]));
  for await (const { store, lines } of file.runs(stores.map(({ name }) => name))) {
    watch.check();
    for (const line of lines) {
      const isLost = file.hasForms && isSpecial(line) && unportableIn(file.record(line).value).length > 0;
      counts[store][isLost ? 'left' : 'inserted'] += 1;
    }
  }
  return counts;
}
