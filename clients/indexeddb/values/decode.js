/*
 * The other way of `encode.js`: from text to values.
 */

import { RowkeepError } from '../errors.js';
import { fromBase64 } from './base64.js';
import { VIEWS, readBuffer, readView } from './buffers.js';
import { GEOMETRY, readCryptoKey, readGeometry, readImage } from './platform.js';

const ERRORS = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const NUMBERS = { NaN, Infinity, '-Infinity': -Infinity, '-0': -0 };

/** Whether a text has any value that JSON lacks. A `$` within a text would stand behind a quote that is escaped. */
export function isSpecial(text) {
  return text.includes('"$"');
}

/**
 * Makes the value of what `JSON.parse` made of its text, which is used up. `apart.blob(parts)` gives the content that stands apart, and
 * `ready` what `prepare` made.
 */
export function decode(tree, apart, ready = new Map()) {
  return new Reader(apart, ready).value(tree);
}

/**
 * Makes beforehand what can be made only in several turns: keys, and buffers whose content stands apart. Gives nothing where there is
 * none of it.
 */
export function prepare(tree, apart) {
  const wanted = [];
  find(tree, wanted);
  if (wanted.length === 0) return null;
  return Promise.all(wanted.map(async (form) => {
    if (form.$ === 'cryptokey') return [form, await readCryptoKey(form)];
    return [form, new Uint8Array(await apart.blob(form.parts).arrayBuffer())];
  })).then((made) => new Map(made));
}

/** The forms of what cannot leave a browser, within a tree. */
export function unportableIn(tree) {
  const found = [];
  find(tree, found, (form) => form.$ === 'unportable');
  return found;
}

const isInTurns = (form) => form.$ === 'cryptokey' || (form.parts !== undefined && (form.$ === 'buffer' || form.$ === 'image'));

function find(tree, found, isWanted = isInTurns) {
  const left = [tree];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (typeof next.$ === 'string' && isWanted(next)) found.push(next);
    for (const name of Object.keys(next)) left.push(next[name]);
  }
}

/** Sets a property of its own, whatever its name. */
function set(object, name, value) {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[name] = value;
  }
}

class Reader {
  #apart;
  #ready;
  #seen = [];

  constructor(apart, ready) {
    this.#apart = apart;
    this.#ready = ready;
  }

  value(tree) {
    if (typeof tree !== 'object' || tree === null) return tree;
    if (Object.hasOwn(tree, '$')) return this.#form(tree);
    this.#seen.push(tree);
    for (const name of Object.keys(tree)) set(tree, name, this.value(tree[name]));
    return tree;
  }

  #form(form) {
    const value = () => form.value;
    switch (form.$) {
      case 'undefined': return undefined;
      case 'number': return NUMBERS[form.value];
      case 'bigint': return BigInt(form.value);
      case 'ref': return this.#seen[form.to];
      case 'object': return this.#filled({}, form.properties);
      case 'array': return this.#filled(new Array(form.length), form.properties);
      case 'date': return this.#known(new Date(form.value === 'invalid' ? NaN : form.value));
      case 'regexp': return this.#known(new RegExp(form.source, form.flags));
      case 'map': return this.#map(form);
      case 'set': return this.#set(form);
      case 'boxed': return this.#known(Object(this.value(value())));
      case 'error': return this.#error(form);
      case 'buffer': return this.#known(readBuffer(form, this.#bytes(form)));
      case 'view': return this.#later(() => readView(this.#checked(form, VIEWS), this.value(form.buffer)));
      case 'blob': return this.#known(new Blob([this.#apart.blob(form.parts)], { type: form.type }));
      case 'file': return this.#known(this.#file(form));
      case 'files': return this.#later(() => this.#files(form));
      case 'image': return this.#known(readImage(form, this.#bytes(form)));
      case 'geometry':
        return this.#known(readGeometry(this.#checked(form, GEOMETRY).type, form.values.map((number) => this.value(number))));
      case 'domexception': return this.#known(new DOMException(form.message, form.name));
      // Whoever reads a value with one looks for its key, and leaves it alone.
      case 'unportable': return this.#known({});
      case 'cryptokey': return this.#known(this.#ready.get(form));
      default: return this.#unknown(form);
    }
  }

  /** Gives an object its number: objects are counted as they begin. */
  #known(object) {
    this.#seen.push(object);
    return object;
  }

  /** The same for one that can only be made of others that are counted after it. */
  #later(make) {
    const at = this.#seen.push(undefined) - 1;
    this.#seen[at] = make();
    return this.#seen[at];
  }

  #filled(object, properties) {
    this.#known(object);
    for (const [name, value] of properties) set(object, name, this.value(value));
    return object;
  }

  #map({ entries }) {
    const map = this.#known(new Map());
    for (const [key, value] of entries) {
      const made = this.value(key);
      map.set(made, this.value(value));
    }
    return map;
  }

  #set({ values }) {
    const made = this.#known(new Set());
    for (const value of values) made.add(this.value(value));
    return made;
  }

  #error(form) {
    const error = this.#known(new (ERRORS[form.name] ?? Error)(form.message));
    const own = (name, value) => Object.defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true });
    if (form.stack !== undefined) own('stack', form.stack);
    if (Object.hasOwn(form, 'cause')) own('cause', this.value(form.cause));
    return error;
  }

  #file({ name, type, modified, parts }) {
    return new File([this.#apart.blob(parts)], name, { type, lastModified: modified });
  }

  #files({ values }) {
    if (globalThis.DataTransfer === undefined) {
      throw new RowkeepError('main-thread', 'a list of files (FileList) can only be made by a page, not by a worker: restore with worker: false');
    }
    const made = new DataTransfer();
    for (const file of values) made.items.add(this.value(file));
    return made.files;
  }

  #bytes(form) {
    return form.bytes === undefined ? this.#ready.get(form) : fromBase64(form.bytes);
  }

  #checked(form, kinds) {
    return kinds.has(form.type) ? form : this.#unknown({ $: form.type });
  }

  #unknown({ $ }) {
    throw new RowkeepError('newer-file', `the file has a value of a kind that is not known here (${JSON.stringify($)}): a newer version of this `
      + 'module made it, or this browser lacks it. Restore with that version, in a browser that has such values');
  }
}
