/*
 * Rowkeep's own form of a state (see FORMAT.md): a line for each record, and lines that say what it is of and that it is whole.
 */

import { Sha256 } from '../sha256.js';
import { toBase64 } from '../values/base64.js';

/** What the first line calls such a file, and the newest version that this module reads and writes. */
export const FORMAT = 'rowkeep-indexeddb';
export const VERSION = 1;

const utf8 = new TextEncoder();

/** The line of a record, as it stands in the file. */
export function recordLine(store, keyText, valueText) {
  const key = store.keyPath === null ? `"key":${keyText},` : '';
  return `{"store":${JSON.stringify(store.name)},${key}"value":${valueText}}\n`;
}

/** Writes a state, store by store. */
export class NdjsonWriter {
  #output;
  #about = new Sha256();
  #hash;
  #written = new Set();
  #records = 0;

  constructor(output) {
    this.#output = output;
  }

  /** Says what the file is of: its database, its version, its stores, and when it was read. */
  begin(header) {
    return this.#line(`${JSON.stringify({ format: FORMAT, version: VERSION, ...header })}\n`);
  }

  /** Begins a store. */
  beginStore() {
    this.#hash = new Sha256();
  }

  /** Writes lines of records. */
  async lines(bytes) {
    this.#hash.update(bytes);
    await this.#output.write(bytes);
  }

  /** Writes a part of a content, if it is not in the file already. */
  async part(name, bytes) {
    if (this.#written.has(name)) return;
    this.#written.add(name);
    await this.#output.write(utf8.encode(`{"part":"${name}","bytes":"${toBase64(bytes)}"}\n`));
  }

  /** Ends a store; gives the SHA-256 of its lines. */
  async endStore(store, records) {
    const sha256 = this.#hash.hex();
    this.#records += records;
    await this.#line(`${JSON.stringify({ end: store.name, records, sha256 })}\n`);
    return sha256;
  }

  /** Says that nothing is missing. */
  async end() {
    const whole = { complete: true, records: this.#records, sha256: this.#about.hex() };
    await this.#output.write(utf8.encode(`${JSON.stringify(whole)}\n`));
  }

  async #line(text) {
    const bytes = utf8.encode(text);
    this.#about.update(bytes);
    await this.#output.write(bytes);
  }
}
