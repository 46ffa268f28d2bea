/*
 * Rowkeep's own form of a state, read: once to know that it is whole, and again for its records.
 */

import { RowkeepError } from '../errors.js';
import { Sha256, sha256 } from '../sha256.js';
import { fromBase64 } from '../values/base64.js';
import { unportableIn } from '../values/decode.js';
import { lineBlocks } from './bytes.js';
import { VERSION, recordLine } from './ndjson-write.js';

const RECORD = '{"store":';
const PART = '{"part":';

/** A file whose first line is given. */
export class NdjsonFile {
  #file;
  #parts = new Map();

  constructor(file, header) {
    if (!(header.version <= VERSION)) {
      throw new RowkeepError('newer-file', `the file is of version ${header.version} of its form, and this module reads up to ${VERSION}: restore it `
        + 'with a newer version of this module');
    }
    this.#file = file;
    this.header = header;
  }

  /** The stores that are in it; they say how they are made. */
  get stores() {
    return this.header.stores;
  }

  /** Reads all of it and refuses what is not as it was written; says how many records each store has, and what cannot be restored. */
  async verify(watch) {
    const about = new Sha256();
    const found = { records: {}, unportable: [], notes: [], bytes: 0 };
    let store = { hash: new Sha256(), records: 0 };
    let end;
    let isFirst = true;
    for await (const { bytes, lines } of lineBlocks(this.#file)) {
      watch.check();
      await watch.pause();
      found.bytes += bytes.length;
      let at = 0;
      for (const line of lines) {
        if (end !== undefined) throw damaged('something follows its end');
        const next = bytes.indexOf(10, at) + 1 || bytes.length;
        const own = bytes.subarray(at, next);
        at = next;
        if (line.startsWith(RECORD)) {
          store.hash.update(own);
          store.records += 1;
          if (line.includes('"unportable"')) found.unportable.push(...unportable(line));
        } else if (line.startsWith(PART)) {
          await this.#take(line);
        } else if (isFirst) {
          about.update(own);
          isFirst = false;
        } else {
          const said = this.#parsed(line);
          if (said.complete === true) {
            end = said;
          } else {
            this.#endStore(said, store, found);
            about.update(own);
            store = { hash: new Sha256(), records: 0 };
          }
        }
      }
      watch.progress({ phase: 'verify', bytes: found.bytes });
    }
    if (end === undefined) throw damaged('it is cut off');
    if (store.records > 0 || end.sha256 !== about.hex()) throw damaged('it is not as it was written');
    const missing = this.stores.find(({ name }) => found.records[name] === undefined);
    if (missing !== undefined) throw damaged(`the store ${missing.name} is not in it`);
    return found;
  }

  /** The lines of records of some stores, in runs of one store: `{ store, lines }`. */
  async* runs(names) {
    for await (const { lines } of lineBlocks(this.#file)) {
      let run;
      for (const line of lines) {
        if (!line.startsWith(RECORD)) continue;
        const name = JSON.parse(line.slice(RECORD.length, endOfText(line, RECORD.length)));
        if (run?.store !== name) {
          if (run !== undefined) yield run;
          run = names.includes(name) ? { store: name, lines: [] } : undefined;
        }
        run?.lines.push(line);
      }
      if (run !== undefined) yield run;
    }
  }

  /** How a record stands in it, given its key and its value as text. */
  written(store, keyText, valueText) {
    return recordLine(store, keyText, valueText).slice(0, -1);
  }

  /** The trees of the key and of the value of a line. */
  record(line) {
    const { key, value } = this.#parsed(line);
    return { key, value };
  }

  /** Whether values have forms that JSON lacks. */
  get hasForms() {
    return true;
  }

  /** A content that stands apart. */
  blob(names) {
    return new Blob(names.map((name) => {
      const part = this.#parts.get(name);
      if (part === undefined) throw damaged('a part of a content is not in it');
      return part;
    }));
  }

  async #take(line) {
    const { part, bytes } = this.#parsed(line);
    const content = fromBase64(bytes);
    if (await sha256(content) !== part) throw damaged('a part of a content is not as it was written');
    const blob = new Blob([content]);
    // Read of it, it is the browser's: until then the page keeps it, whatever else comes.
    await blob.slice(0, 1).arrayBuffer();
    this.#parts.set(part, blob);
  }

  #endStore({ end, records, sha256: said }, store, found) {
    if (records !== store.records) throw damaged(`the store ${end} has ${store.records} records, of ${records}`);
    if (said !== store.hash.hex()) throw damaged(`the records of the store ${end} are not as they were written`);
    found.records[end] = records;
  }

  #parsed(line) {
    try {
      return JSON.parse(line);
    } catch (error) {
      throw damaged(`it is cut off, or has a line that is no JSON (${error.message})`);
    }
  }
}

/** Where a text of JSON ends that begins at a place. */
function endOfText(line, from) {
  let at = from + 1;
  while (line[at] !== '"') at += line[at] === '\\' ? 2 : 1;
  return at + 1;
}

function unportable(line) {
  const { store, key, value } = JSON.parse(line);
  return unportableIn(value).map(({ type, why }) => ({ store, key, type, why }));
}

function damaged(what) {
  return new RowkeepError('damaged', `the file is damaged: ${what}. Take another copy of it, or an earlier one`);
}
