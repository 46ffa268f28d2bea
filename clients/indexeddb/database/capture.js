/*
 * Reads a database in one consistent state. Everything that waits for something else than the database comes afterwards, so that other
 * tabs wait no longer than reading takes.
 */

import { RowkeepError, explained } from '../errors.js';
import { keyToText } from '../keys.js';
import { Apart, Spool, isMarked } from '../spool.js';
import { encode } from '../values/encode.js';
import { readStore } from './read.js';
import { nextNumbers, readSchema } from './schema.js';
import { committed, result } from './transaction.js';

/**
 * Reads the stores of a database, all in one state, or each of the lists of `together` in one. `line(store, key, value)` writes a record
 * down. Gives the stores with their `spool` and `records`, what stands apart, and what cannot leave the browser.
 */
export async function read(database, { stores: wanted, together, generators = true }, line, watch) {
  const names = chosen(database, wanted);
  const apart = new Apart();
  const stores = [];
  for (const group of groups(names, together)) {
    stores.push(...await readGroup(database, group, apart, line, watch));
  }
  stores.sort((a, b) => (a.name < b.name ? -1 : 1));
  if (generators) {
    const numbers = await nextNumbers(database, stores.filter(({ autoIncrement }) => autoIncrement).map(({ name }) => name));
    // Asked for after the records were read, it is never lower than it was then.
    for (const store of stores) store.next = numbers[store.name];
  }
  return { stores, apart, isPart: names.length < database.objectStoreNames.length };
}

/** The stores that are wanted, all of them where none is named. */
function chosen(database, wanted) {
  const all = Array.from(database.objectStoreNames);
  const missing = wanted?.find((name) => !all.includes(name));
  if (missing !== undefined) {
    throw new RowkeepError('no-such-store', `the database ${database.name} has no store ${missing}; it has ${all.join(', ') || 'none'}`, { store: missing });
  }
  return wanted === undefined ? all : all.filter((name) => wanted.includes(name));
}

/** Which stores are read in one transaction. */
function groups(names, together) {
  if (names.length === 0) return [];
  if (together === undefined) return [names];
  const named = together.map((group) => group.filter((name) => names.includes(name))).filter((group) => group.length > 0);
  const seen = named.flat();
  const twice = seen.find((name, at) => seen.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new RowkeepError('not-allowed', `\`together\` names the store ${twice} twice: each can be read in one state only`, { store: twice });
  }
  const rest = names.filter((name) => !seen.includes(name));
  return rest.length > 0 ? [...named, rest] : named;
}

async function readGroup(database, names, apart, line, watch) {
  const transaction = database.transaction(names, 'readonly');
  const ended = committed(transaction);
  const schemas = readSchema(transaction);
  const read = schemas.map((schema) => ({ ...schema, schema, spool: new Spool(), records: 0 }));
  try {
    await Promise.all(read.map(async (store) => { store.total = await result(transaction.objectStore(store.name).count()); }));
    for (const store of read) {
      await readStore(transaction.objectStore(store.name), (keys, values) => take(store, keys, values, apart, line, watch), watch.isPage);
    }
  } catch (error) {
    throw explained(error, `the database ${database.name} cannot be read`);
  }
  await ended;
  for (const { name, records, total } of read) {
    if (records === total) continue;
    throw new RowkeepError('failed', `the browser gave ${records} records of the store ${name}, of ${total} that it counts: do it again, and `
      + 'if that stays so, the database is damaged', { store: name });
  }
  return read;
}

/** Writes a batch of records down; gives how long that is. */
function take(store, keys, values, apart, line, watch) {
  watch.check();
  let length = 0;
  for (let at = 0; at < keys.length; at += 1) {
    const keyText = keyToText(keys[at]);
    apart.beginRecord(store.name, keyText);
    const text = line(store, keyText, valueText(values[at], store, keyText, apart));
    store.spool.add(text, isMarked(text));
    length += text.length;
  }
  store.records += keys.length;
  store.spool.flush();
  watch.progress({ phase: 'read', store: store.name, records: store.records, total: store.total });
  return length;
}

function valueText(value, store, keyText, apart) {
  try {
    return encode(value, apart);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RowkeepError('no-place', `the record ${keyText} of the store ${store.name} is nested too deeply, or too long, to be written down`,
      { store: store.name, key: keyText }, error);
  }
}
