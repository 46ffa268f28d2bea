/*
 * What was read while a transaction was open, until it is written down: the browser keeps it, outside of the page's memory.
 *
 * Lines hold marks in the places of what could not be read within the transaction: the contents of Blobs, and cryptographic keys.
 * A mark is a number between two characters that JSON never has.
 */

import { partsOf } from './parts.js';
import { unportableForm } from './values/encode.js';
import { writeCryptoKey } from './values/platform.js';

const MARK = '\u0001';
const FLUSH_LENGTH = 256 * 1024;

/** Lines of one store. */
export class Spool {
  #pieces = [];
  #text = '';
  #isMarked = false;

  /** Takes a line. */
  add(line, isMarked) {
    this.#text += line;
    this.#isMarked ||= isMarked;
    if (this.#text.length >= FLUSH_LENGTH) this.flush();
  }

  /** Gives what has come to the browser. */
  flush() {
    if (this.#text.length > 0) this.#pieces.push({ blob: new Blob([this.#text]), isMarked: this.#isMarked });
    this.#text = '';
    this.#isMarked = false;
  }

  /** Lines as they are, `{ bytes }`, and lines with marks, `{ text }`. */
  async* pieces() {
    for (const { blob, isMarked } of this.#pieces) {
      if (isMarked) yield { text: await blob.text() };
      else yield { bytes: new Uint8Array(await blob.arrayBuffer()) };
    }
  }
}

/** The things that stand apart from the lines, in the order of their marks. */
export class Apart {
  #things = [];
  #record;
  /** What cannot leave the browser: store, key, path within the record, type, and why. */
  unportableFound = [];

  /** Says which record is written down next. */
  beginRecord(store, key) {
    this.#record = { store, key };
  }

  /** Marks the place of something with a content. */
  content(blob, path, form) {
    return this.#mark({ blob, path, form });
  }

  /** Marks the place of a cryptographic key. */
  key(key, path) {
    return this.#mark({ key, path });
  }

  /** Notes what cannot leave the browser. */
  unportable(path, type, why) {
    this.unportableFound.push({ ...this.#record, path, type, why });
  }

  /** How much stands apart. */
  get count() {
    return this.#things.length;
  }

  /**
   * Replaces the marks of a line: contents by their forms, with the names of their parts, each of which `part(name, bytes)` gets; and keys
   * by theirs. What cannot be read any more is noted as what cannot leave the browser.
   */
  async resolve(line, part) {
    const pieces = line.split(MARK);
    for (let at = 1; at < pieces.length; at += 2) pieces[at] = await this.#written(this.#things[Number(pieces[at])], part);
    return pieces.join('');
  }

  async #written(thing, part) {
    const type = thing.blob === undefined ? 'CryptoKey' : Object.prototype.toString.call(thing.blob).slice(8, -1);
    try {
      if (thing.blob === undefined) return await writeCryptoKey(thing.key);
      const names = [];
      for await (const { name, bytes } of partsOf(thing.blob)) {
        names.push(name);
        await part(name, bytes);
      }
      return thing.form(JSON.stringify(names));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      const why = `the browser does not give it away (${error.name})`;
      this.unportableFound.push({ ...thing.record, path: thing.path, type, why });
      return unportableForm(type, why);
    }
  }

  #mark(thing) {
    const mark = this.#things.push({ ...thing, record: this.#record }) - 1;
    return `${MARK}${mark}${MARK}`;
  }
}

/** Whether a line has marks. */
export const isMarked = (line) => line.includes(MARK);
