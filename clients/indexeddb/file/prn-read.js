/*
 * The JSON 4.0 of Phone Range Nexus, as this module, rowkeep, and its own program write it.
 */

import { RowkeepError } from '../errors.js';
import { keyOf, keyToBytes } from '../keys.js';
import { Sha256 } from '../sha256.js';
import { Spool } from '../spool.js';
import { decode, isSpecial, unportableIn } from '../values/decode.js';
import { texts } from './bytes.js';
import { parsed, scan } from './json-scan.js';

const utf8 = new TextEncoder();
/** After how many records the page may answer. */
const RECORDS_A_TURN = 100;
const SPACES = /[\n\r\t ]/;
const latin1 = (bytes) => String.fromCharCode(...bytes);

/** A full backup as such. */
export class PrnFile {
  #file;
  #said = {};
  #lists = new Map();

  constructor(file, metadata) {
    const { type, version } = metadata;
    if (type === 'incremental_backup') {
      throw new RowkeepError('not-a-state', `the file has what changed since ${metadata.base_backup ?? 'another backup'}, not a whole state: put both `
        + 'into a repository by `rowkeep import --all FOLDER`, and restore the snapshot that it makes');
    }
    if (Number.parseInt(version, 10) > 4) {
      throw new RowkeepError('newer-file', `the file is of version ${version}, and this module reads up to 4.0: restore it with a newer version of it`);
    }
    this.#file = file;
    this.header = { time: metadata.timestamp };
  }

  /** The stores that are in it, as far as it says how they are made. */
  stores = [];

  /** Whether values have forms that JSON lacks: files of this module have, and what rowkeep exports of their snapshots. */
  hasForms = false;

  /**
   * Reads all of it, refuses what is not as it says, and keeps its records; `keyPathOf(store)` tells where the file does not by which
   * members records are named. Records of others' files may stand in any order.
   */
  async verify(watch, keyPathOf) {
    await this.#scan(watch);
    const { schema } = this.#said;
    this.hasForms = this.#isOurs;
    this.stores = Array.isArray(schema?.stores) ? schema.stores : [...this.#lists.keys()].map((name) => ({ name }));
    this.header.databaseVersion = schema?.version;
    const found = { records: {}, unportable: [], notes: this.#compare(), bytes: 0 };
    for (const [name, list] of this.#lists) {
      watch.check();
      const keyPath = this.stores.find((store) => store.name === name)?.keyPath ?? keyPathOf(name);
      if (keyPath !== undefined) list.sorted = await this.#sorted(name, list, keyPath, found.unportable, watch);
      found.records[name] = list.records;
      found.bytes += list.bytes;
    }
    return found;
  }

  /** The records of some stores, in runs of one store: `{ store, lines }`. */
  async* runs(names) {
    for (const [store, { sorted }] of [...this.#lists].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!names.includes(store)) continue;
      for await (const { bytes } of sorted.pieces()) {
        const lines = new TextDecoder().decode(bytes).split('\n');
        lines.pop();
        if (lines.length > 0) yield { store, lines };
      }
    }
  }

  /** How a record stands in it, given its value as text. */
  written(store, keyText, valueText) {
    return valueText;
  }

  /** The tree of a record, which has its key in itself. */
  record(line) {
    return { key: undefined, value: JSON.parse(line) };
  }

  /** Such a file has no contents that stand apart. */
  blob() {
    throw new RowkeepError('damaged', 'the file names a content that stands apart, and has none');
  }

  async #scan(watch) {
    for await (const { name, value, list, element, ended } of scan(texts(this.#file), 'data')) {
      if (name !== undefined) {
        this.#said[name] = value;
      } else if (element !== undefined) {
        this.#add(this.#lists.get(list), element);
        if (this.#lists.get(list).records % RECORDS_A_TURN === 0) await watch.pause();
      } else if (ended) {
        this.#lists.get(list).spool.flush();
        watch.progress({ phase: 'verify', store: list, records: this.#lists.get(list).records });
        watch.check();
      } else if (this.#lists.has(list)) {
        throw new RowkeepError('damaged', `the file has two lists of the store ${list}, and says of none that it is the right one`);
      } else {
        this.#lists.set(list, { spool: new Spool(), hash: new Sha256().update(utf8.encode('[')), records: 0, bytes: 0 });
      }
    }
    if (this.#lists.size === 0 && this.#said.schema === undefined) throw new RowkeepError('not-a-state', 'the file has no member `data` with lists of records');
  }

  #add(list, element) {
    const text = SPACES.test(element) ? compact(element) : element;
    const bytes = utf8.encode(list.records > 0 ? `,${text}` : text);
    list.hash.update(bytes);
    list.records += 1;
    list.bytes += bytes.length;
    list.spool.add(`${text}\n`, false);
  }

  get #isOurs() {
    return String(this.#said.metadata?.program ?? '').startsWith('rowkeep ');
  }

  /** Holds it against what it says of itself. */
  #compare() {
    const { metadata, integrity } = this.#said;
    const records = [...this.#lists.values()].reduce((sum, list) => sum + list.records, 0);
    if (metadata?.record_count !== undefined && metadata.record_count !== records) {
      throw new RowkeepError('damaged', `the file says that it has ${metadata.record_count} records, and has ${records}. Take another copy of it, or an `
        + 'earlier one');
    }
    const notes = [];
    for (const [name, said] of Object.entries(integrity?.table_checksums ?? {})) {
      const own = this.#lists.get(name)?.hash.update(utf8.encode(']')).hex();
      if (own === String(said).replace(/^sha256:/, '').toLowerCase()) continue;
      if (this.#isOurs) throw new RowkeepError('damaged', `the records of the store ${name} are not as they were written. Take another copy of it, or an earlier one`);
      notes.push(`the checksum of ${name} was made in a way that is not known, so it proves nothing`);
    }
    return notes;
  }

  /** Records in the order of their keys, which each has once. */
  async #sorted(name, { spool }, keyPath, unportable, watch) {
    const records = [];
    let isSorted = true;
    for await (const { bytes } of spool.pieces()) {
      await watch.pause();
      for (const line of new TextDecoder().decode(bytes).split('\n').slice(0, -1)) {
        const tree = parsed(line);
        if (this.hasForms && isSpecial(line)) {
          unportable.push(...unportableIn(tree).map(({ type, why }) => ({ store: name, type, why })));
        }
        const order = latin1(this.#key(name, this.hasForms && isSpecial(line) ? decode(tree, this) : tree, keyPath, records.length));
        const last = records[records.length - 1]?.order;
        isSorted &&= last === undefined || last < order;
        records.push({ order, line });
      }
    }
    if (isSorted) return spool;
    records.sort((a, b) => (a.order < b.order ? -1 : 1));
    const sorted = new Spool();
    records.forEach(({ order, line }, at) => {
      if (order === records[at - 1]?.order) {
        throw new RowkeepError('damaged', `the file has two records of the store ${name} with one key: ${line.slice(0, 200)}`, { store: name });
      }
      sorted.add(`${line}\n`, false);
    });
    sorted.flush();
    return sorted;
  }

  #key(name, value, keyPath, at) {
    const key = keyOf(value, keyPath);
    try {
      indexedDB.cmp(key, key);
    } catch (error) {
      throw new RowkeepError('damaged', `record ${at + 1} of the store ${name} in the file has no key (${[keyPath].flat().join(', ')}), so it cannot be `
        + 'restored', { store: name }, error);
    }
    return keyToBytes(key);
  }
}

/** JSON without white space, where it has any; numbers and texts stay as JavaScript has them. */
function compact(text) {
  const value = parsed(text);
  const again = JSON.stringify(value);
  // White space may stand within texts alone.
  return again.length < text.length ? again : text;
}

