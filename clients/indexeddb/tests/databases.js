/*
 * What the tests do with databases by themselves.
 */

/** What a request gives. */
export const got = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** When a transaction has ended well. */
export const ended = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onabort = () => reject(transaction.error);
});

/** A new database: `make(db)` makes its stores, `fill(transaction)` puts what is in them. */
export async function newDatabase(name, make, fill = () => {}, version = 1) {
  await got(indexedDB.deleteDatabase(name));
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    make(request.result);
    fill(request.transaction);
  };
  const db = await got(request);
  db.onversionchange = () => db.close();
  return db;
}

/** A database that is there. */
export async function openDatabase(name) {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.transaction.abort();
  const db = await got(request);
  db.onversionchange = () => db.close();
  return db;
}

/** All records of a store: pairs of key and value. */
export async function records(db, store) {
  const source = db.transaction(store).objectStore(store);
  const [keys, values] = await Promise.all([got(source.getAllKeys()), got(source.getAll())]);
  return keys.map((key, at) => [key, values[at]]);
}

/** How a database is made, as text. */
export function schema(db) {
  return JSON.stringify([db.version, ...Array.from(db.objectStoreNames, (name) => {
    const store = db.transaction(name).objectStore(name);
    const indexes = Array.from(store.indexNames, (index) => {
      const { keyPath, unique, multiEntry } = store.index(index);
      return [index, keyPath, unique, multiEntry];
    });
    return [name, store.keyPath, store.autoIncrement, indexes];
  })]);
}

/** The lines of a file, unpacked. */
export async function lines(file) {
  const packed = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const stream = packed[0] === 0x1f ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
  return (await new Response(stream).text()).split('\n').slice(0, -1);
}

/** What is found to be wrong. */
export class Findings {
  wrong = [];
  held = 0;

  /** Notes whether something holds. */
  holds(isSo, what) {
    this.held += 1;
    if (!isSo) this.wrong.push(what);
  }

  /** Notes whether two things are the same, as JSON shows them. */
  same(found, wanted, what) {
    this.holds(JSON.stringify(found) === JSON.stringify(wanted), `${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  }

  /** Notes whether something fails as it should. */
  async refuses(code, words, attempt) {
    try {
      await attempt();
      this.holds(false, `${code}: it was not refused`);
    } catch (error) {
      this.holds(error.code === code && words.test(error.message), `${code}: ${error.code} ${error.message} ${error.stack}`);
    }
  }
}
