/*
 * How a database is made: its stores and their indexes.
 */

import { RowkeepError } from '../errors.js';
import { abort, committed, result } from './transaction.js';

/** The stores of a transaction, as they stand in a file. */
export function readSchema(transaction) {
  return Array.from(transaction.objectStoreNames, (name) => {
    const store = transaction.objectStore(name);
    const indexes = Array.from(store.indexNames, (indexName) => {
      const { keyPath, unique, multiEntry } = store.index(indexName);
      return { name: indexName, keyPath: path(keyPath), unique, multiEntry };
    });
    return { name, keyPath: path(store.keyPath), autoIncrement: store.autoIncrement, indexes };
  });
}

/** A path as text or as a list of texts; of several, browsers give a list of their own kind. */
function path(keyPath) {
  return keyPath === null || typeof keyPath === 'string' ? keyPath : Array.from(keyPath);
}

/** Makes stores in a database that is being upgraded. */
export function makeStores(database, stores) {
  for (const { name, keyPath, autoIncrement, indexes } of stores) {
    const store = database.createObjectStore(name, { keyPath, autoIncrement });
    for (const index of indexes) {
      store.createIndex(index.name, index.keyPath, { unique: index.unique, multiEntry: index.multiEntry });
    }
  }
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Refuses a file whose records the stores of a database cannot take; says in words what else differs. */
export function compareStores(wanted, found) {
  const notes = [];
  for (const store of wanted) {
    const own = found.find(({ name }) => name === store.name);
    if (own === undefined) {
      throw new RowkeepError('no-such-store', `the application has no store ${store.name} any more, or not yet: leave it out by naming the `
        + 'others in `stores`, or restore with the version of the application that has it', { store: store.name });
    }
    // A file of another program may say less.
    if (store.keyPath !== undefined && !same(store.keyPath, own.keyPath)) {
      throw new RowkeepError('store-differs', `records of the store ${store.name} are named by ${told(store.keyPath)} in the file and by `
        + `${told(own.keyPath)} here, so that none could be found again: restore with the version of the application that the file is of`,
      { store: store.name });
    }
    if (store.autoIncrement !== undefined && store.autoIncrement !== own.autoIncrement) {
      notes.push(`the store ${store.name} ${own.autoIncrement ? 'makes' : 'does not make'} keys by itself here, other than in the file`);
    }
    if (store.indexes !== undefined && !same(store.indexes, own.indexes)) {
      notes.push(`the store ${store.name} has other indexes here than in the file; those that are here are kept up`);
    }
  }
  return notes;
}

function told(keyPath) {
  return keyPath === null ? 'keys of their own' : Array.isArray(keyPath) ? keyPath.join(', ') : keyPath;
}

/**
 * Which number a store would give to the next record. Nothing tells it but a record, which is added and taken back at once.
 *
 * Gives nothing where the browser refuses that. A store that has given its last number has one above 2^53.
 */
export async function nextNumbers(database, names) {
  if (names.length === 0) return {};
  let transaction;
  try {
    transaction = database.transaction(names, 'readwrite');
  } catch {
    // Another tab upgrades it: what was read is a state all the same.
    return {};
  }
  const ended = committed(transaction);
  const numbers = {};
  try {
    for (const name of names) {
      try {
        numbers[name] = await probe(transaction.objectStore(name));
      } catch (error) {
        if (error?.name !== 'ConstraintError') throw error;
        numbers[name] = 2 ** 53 + 2;
      }
    }
    transaction.abort();
  } catch {
    // Nothing that was added stays.
    abort(transaction);
    await ended.catch(() => {});
    return {};
  }
  await ended.catch(() => {});
  return numbers;
}

function probe(store) {
  const request = store.add({});
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = (event) => {
      event.preventDefault();
      reject(request.error);
    };
  });
}

/** Has a store go on with a number, if it would not come to it by itself. Numbers never go back. */
export async function setNext(store, next) {
  const last = Math.min(next - 1, 2 ** 53);
  if (last < 1 || await result(store.getKey(last)) !== undefined) return;
  const { keyPath } = store;
  if (keyPath === null) store.put({}, last);
  else store.put(keyPath.split('.').reduceRight((inner, name) => ({ [name]: inner }), last));
  await result(store.delete(last));
}
