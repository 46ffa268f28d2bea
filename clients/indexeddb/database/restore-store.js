/*
 * One store on the way to what a file has: records of both are walked in the order of their keys.
 */

import { RowkeepError } from '../errors.js';
import { keyOf, keyToText } from '../keys.js';
import { Apart, isMarked } from '../spool.js';
import { decode, isSpecial, prepare, unportableIn } from '../values/decode.js';
import { encode } from '../values/encode.js';
import { ExistingRecords } from './existing.js';
import { hold, result } from './transaction.js';

/** How many records are put before the browser is asked whether they are there. */
const BATCH = 500;
const BATCH_ON_A_PAGE = 50;

/**
 * What happens to a store. `rules` say it for records that only the database has (`gone`: whether they are deleted), that differ
 * (`changed`: they are put, deleted, or kept; or `none`, where it is known that none does), and that only the file has (`absent`: whether
 * they are put). With `dryRun` nothing is written, and all is counted.
 */
export class RestoreStore {
  #store;
  #rules;
  #counts;
  #file;
  #run;
  #existing;
  #last;
  #request;

  constructor(store, rules, counts, file, run) {
    this.#store = store;
    this.#rules = rules;
    this.#counts = counts;
    this.#file = file;
    this.#run = run;
    const withValues = rules.changed === 'put' || rules.changed === 'delete';
    this.#existing = new ExistingRecords(store, { withValues, isPage: run.watch.isPage });
  }

  /** Its name. */
  get name() {
    return this.#store.name;
  }

  /** Takes lines of records, in the order of their keys. */
  async take(lines) {
    const size = this.#run.watch.isPage ? BATCH_ON_A_PAGE : BATCH;
    for (let from = 0; from < lines.length; from += size) {
      this.#run.watch.check();
      for (const line of lines.slice(from, from + size)) await this.#record(line);
      await this.#written();
    }
    const { inserted, updated, deleted } = this.#counts;
    this.#run.watch.progress({ phase: 'restore', store: this.name, written: inserted + updated + deleted });
  }

  /** Deals with what the database has behind the last record of the file. */
  async finish() {
    while (await this.#existing.peek() !== undefined) this.#gone((await this.#existing.peek()).key);
    await this.#written();
  }

  async #record(line) {
    const { key: keyTree, value: tree } = this.#file.record(line);
    const hasForms = this.#file.hasForms && isSpecial(line);
    if (hasForms && unportableIn(tree).length > 0) {
      const { keyPath } = this.#store;
      await this.#leave(this.#keyOf(keyTree, keyPath === null ? undefined : keyOf(await this.#valueOf(tree), keyPath)));
      return;
    }
    const value = hasForms ? await this.#valueOf(tree) : tree;
    const key = this.#keyOf(keyTree, this.#store.keyPath === null ? undefined : keyOf(value, this.#store.keyPath));
    const existing = await this.#find(key);
    if (existing === undefined) {
      this.#insert(key, value);
    } else if (this.#rules.changed === 'keep') {
      this.#counts.kept += 1;
    } else if (this.#rules.changed === 'none') {
      this.#counts.same += 1;
    } else {
      await this.#change(key, value, existing, line);
    }
  }

  /** Passes over what the database has in front of a key; gives the record that it has of that key. */
  async #find(key) {
    if (this.#last !== undefined && indexedDB.cmp(this.#last, key) >= 0) {
      throw new RowkeepError('damaged', `the records of the store ${this.name} are not in the order of their keys in the file`, { store: this.name });
    }
    this.#last = key;
    for (;;) {
      const next = await this.#existing.peek();
      const order = next === undefined ? 1 : indexedDB.cmp(next.key, key);
      if (order > 0) return undefined;
      if (order === 0) {
        this.#existing.pass();
        return next;
      }
      this.#gone(next.key);
    }
  }

  /** What the browser alone has cannot come back; where it is still there, it stays. */
  async #leave(key) {
    await this.#find(key);
    if (this.#rules.absent) this.#counts.left += 1;
  }

  #gone(key) {
    this.#existing.pass();
    if (!this.#rules.gone) return;
    this.#counts.deleted += 1;
    this.#delete(key);
  }

  #insert(key, value) {
    if (!this.#rules.absent) return;
    this.#counts.inserted += 1;
    this.#put(key, value);
  }

  async #change(key, value, existing, line) {
    const isSame = await this.#isSame(existing, line);
    if (this.#rules.changed === 'delete') {
      if (isSame) return;
      // It comes back in the next pass, which finds none.
      this.#counts.updated += 1;
      this.#counts.inserted -= 1;
      this.#delete(key);
    } else if (isSame) {
      this.#counts.same += 1;
    } else {
      this.#counts.updated += 1;
      this.#put(key, value);
    }
  }

  async #isSame({ key, value }, line) {
    const apart = new Apart();
    const found = this.#file.written(this.#store, keyToText(key), encode(value, apart));
    if (!isMarked(found)) return found === line;
    return await hold(this.#store, apart.resolve(found, () => {})) === line;
  }

  #put(key, value) {
    if (this.#rules.dryRun) return;
    const about = { store: this.name, key: keyToText(key) };
    try {
      this.#request = this.#store.keyPath === null ? this.#store.put(value, key) : this.#store.put(value);
    } catch (error) {
      throw notWritten(about, error);
    }
    const request = this.#request;
    // The transaction ends by it, and of that alone hears who waits.
    request.addEventListener('error', () => { this.#run.failure ??= notWritten(about, request.error); });
  }

  #delete(key) {
    if (!this.#rules.dryRun) this.#request = this.#store.delete(key);
  }

  async #written() {
    // One that was answered while something else was waited for says so no more.
    if (this.#request?.readyState === 'pending') await result(this.#request);
    this.#request = undefined;
  }

  #keyOf(tree, found) {
    const key = this.#store.keyPath === null ? decode(tree, this.#file) : found;
    try {
      indexedDB.cmp(key, key);
    } catch (error) {
      throw new RowkeepError('damaged', `a record of the store ${this.name} in the file has no key, so it cannot be restored`, { store: this.name }, error);
    }
    return key;
  }

  async #valueOf(tree) {
    const coming = prepare(tree, this.#file);
    return decode(tree, this.#file, coming === null ? undefined : await hold(this.#store, coming));
  }
}

function notWritten({ store, key }, error) {
  if (error?.name === 'AbortError') return undefined;
  if (error?.name === 'QuotaExceededError') return error;
  const isTwice = error?.name === 'ConstraintError';
  const why = isTwice
    ? 'another record has a value that an index allows once. Restore with mode: \'replace\', or change the other record first'
    : `${error?.message}`;
  const message = `the record ${key} of the store ${store} cannot be written, so nothing was changed: ${why}`;
  return new RowkeepError(isTwice ? 'unique' : 'failed', message, { store, key }, error);
}
