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

const isObject = (tree) => typeof tree === 'object' && tree !== null;

/**
 * Makes values from left to right. What holds others is made in steps, `function*`, which give the tree of each and get what was made of it:
 * values may be nested deeper than calls can be.
 */
class Reader {
  #apart;
  #ready;
  #seen = [];

  constructor(apart, ready) {
    this.#apart = apart;
    this.#ready = ready;
  }

  value(tree) {
    const begun = [];
    let steps = this.#steps(tree);
    if (steps === null) return this.#leaf(tree);
    let made;
    for (;;) {
      const { done, value } = steps.next(made);
      if (done) {
        if (begun.length === 0) return value;
        made = value;
        steps = begun.pop();
        continue;
      }
      const inner = this.#steps(value);
      if (inner === null) {
        made = this.#leaf(value);
      } else {
        begun.push(steps);
        steps = inner;
        made = undefined;
      }
    }
  }

  /** How a value is made that may hold others; nothing for one that holds none. */
  #steps(tree) {
    if (!isObject(tree)) return null;
    if (!Object.hasOwn(tree, '$')) return this.#plain(tree);
    switch (tree.$) {
      case 'object': return this.#filled({}, tree.properties);
      case 'array': return this.#filled(new Array(tree.length), tree.properties);
      case 'map': return this.#map(tree);
      case 'set': return this.#set(tree);
      case 'error': return this.#error(tree);
      case 'view': return this.#view(tree);
      case 'files': return this.#files(tree);
      default: return null;
    }
  }

  #leaf(form) {
    if (!isObject(form)) return form;
    switch (form.$) {
      case 'undefined': return undefined;
      case 'number': return NUMBERS[form.value];
      case 'bigint': return BigInt(form.value);
      case 'ref': return this.#seen[form.to];
      case 'date': return this.#known(new Date(form.value === 'invalid' ? NaN : form.value));
      case 'regexp': return this.#known(new RegExp(form.source, form.flags));
      case 'boxed': return this.#known(Object(this.#leaf(form.value)));
      case 'buffer': return this.#known(readBuffer(form, this.#bytes(form)));
      case 'blob': return this.#known(new Blob([this.#apart.blob(form.parts)], { type: form.type }));
      case 'file': return this.#known(this.#file(form));
      case 'image': return this.#known(readImage(form, this.#bytes(form)));
      case 'geometry':
        return this.#known(readGeometry(this.#checked(form, GEOMETRY).type, form.values.map((number) => this.#leaf(number))));
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

  * #plain(tree) {
    this.#known(tree);
    for (const name of Object.keys(tree)) {
      // Most are as they are.
      if (isObject(tree[name])) set(tree, name, yield tree[name]);
    }
    return tree;
  }

  * #filled(object, properties) {
    this.#known(object);
    for (const [name, value] of properties) set(object, name, yield value);
    return object;
  }

  * #map({ entries }) {
    const map = this.#known(new Map());
    for (const [key, value] of entries) map.set(yield key, yield value);
    return map;
  }

  * #set({ values }) {
    const made = this.#known(new Set());
    for (const value of values) made.add(yield value);
    return made;
  }

  * #error(form) {
    const error = this.#known(new (ERRORS[form.name] ?? Error)(form.message));
    const own = (name, value) => Object.defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true });
    if (form.stack !== undefined) own('stack', form.stack);
    if (Object.hasOwn(form, 'cause')) own('cause', yield form.cause);
    return error;
  }

  /** A view is counted before its buffer, of which it is made. */
  * #view(form) {
    const at = this.#seen.push(undefined) - 1;
    this.#seen[at] = readView(this.#checked(form, VIEWS), yield form.buffer);
    return this.#seen[at];
  }

  * #files({ values }) {
    if (globalThis.DataTransfer === undefined) {
      throw new RowkeepError('main-thread', 'a list of files (FileList) can only be made by a page, not by a worker: restore with worker: false');
    }
    const at = this.#seen.push(undefined) - 1;
    const made = new DataTransfer();
    for (const file of values) made.items.add(yield file);
    this.#seen[at] = made.files;
    return made.files;
  }

  #file({ name, type, modified, parts }) {
    return new File([this.#apart.blob(parts)], name, { type, lastModified: modified });
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
