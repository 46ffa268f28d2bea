/*
 * Values of structured clone as text: JSON where JSON holds them, and objects with a member `$` where it does not (see FORMAT.md).
 */

import { VIEWS, writeBuffer, writeView } from './buffers.js';
import { NOT_PLAIN, date, isDense, number, plain } from './plain.js';
import { GEOMETRY, writeGeometry, writeImage } from './platform.js';

/**
 * Writes a value. What is not text stands apart: `apart.content(blob, path, form)` and `apart.key(cryptoKey, path)` give the text that stands
 * for it, where `form(parts)` writes what has a content; `apart.unportable(path, type, why)` hears of what cannot leave the browser.
 */
export function encode(value, apart) {
  const written = plain(value);
  return written === NOT_PLAIN ? new Writer(apart).value(value) : text(written);
}

/** Ends what was begun by a name. */
const LEAVE = Symbol('leave');
const text = JSON.stringify;
const numberText = (value) => text(number(value));

/**
 * Writes a value from left to right. Each form is a list of texts and of values that stand between them, `{ name, value }`, which are written
 * when their turn comes: values may be nested deeper than calls can be.
 */
class Writer {
  #apart;
  #seen = new Map();
  #path = [];

  constructor(apart) {
    this.#apart = apart;
  }

  value(value) {
    let out = '';
    const left = [{ value }];
    while (left.length > 0) {
      const next = left.pop();
      if (typeof next === 'string') {
        out += next;
      } else if (next === LEAVE) {
        this.#path.pop();
      } else {
        if (next.name !== undefined) {
          this.#path.push(next.name);
          left.push(LEAVE);
        }
        const form = this.#form(next.value);
        if (typeof form === 'string') out += form;
        else for (let at = form.length - 1; at >= 0; at -= 1) left.push(form[at]);
      }
    }
    return out;
  }

  /** The form of a value: a text, or a list. */
  #form(value) {
    switch (typeof value) {
      case 'string': return text(value);
      case 'boolean': return String(value);
      case 'number': return numberText(value);
      case 'bigint': return `{"$":"bigint","value":"${value}"}`;
      case 'undefined': return '{"$":"undefined"}';
      default: return value === null ? 'null' : this.#object(value);
    }
  }

  #object(object) {
    const known = this.#seen.get(object);
    if (known !== undefined) return `{"$":"ref","to":${known}}`;
    this.#seen.set(object, this.#seen.size);
    const kind = Object.prototype.toString.call(object).slice(8, -1);
    switch (kind) {
      case 'Object': return properties(object);
      case 'Array': return array(object);
      case 'Date': return text(date(object));
      case 'RegExp': return `{"$":"regexp","source":${text(object.source)},"flags":"${object.flags}"}`;
      case 'Map': return map(object);
      case 'Set': return list('set', object);
      case 'Boolean':
      case 'Number':
      case 'String':
      case 'BigInt':
        return ['{"$":"boxed","value":', { value: object.valueOf() }, '}'];
      case 'Error': return error(object);
      case 'DOMException': return `{"$":"domexception","name":${text(object.name)},"message":${text(object.message)}}`;
      case 'ArrayBuffer': return writeBuffer(object, (blob, form) => this.#content(blob, form));
      case 'ImageData': return writeImage(object, (blob, form) => this.#content(blob, form));
      case 'Blob': return this.#content(object, (parts) => `{"$":"blob","type":${text(object.type)},"size":${object.size},"parts":${parts}}`);
      case 'File': return this.#file(object);
      case 'FileList': return list('files', object);
      case 'CryptoKey':
        return object.extractable
          ? this.#apart.key(object, this.#where())
          : this.#unportable(kind, 'it was made so that it never leaves the browser (extractable: false)');
      default:
        if (VIEWS.has(kind)) return viewForm(object, kind);
        if (GEOMETRY.has(kind)) return writeGeometry(object, kind, numberText);
        return this.#unportable(kind, 'there is no form of it outside this browser');
    }
  }

  #file(file) {
    const about = `"name":${text(file.name)},"type":${text(file.type)},"modified":${file.lastModified},"size":${file.size}`;
    return this.#content(file, (parts) => `{"$":"file",${about},"parts":${parts}}`);
  }

  #content(blob, form) {
    return this.#apart.content(blob, this.#where(), form);
  }

  #where() {
    return this.#path.join('.');
  }

  #unportable(type, why) {
    this.#apart.unportable(this.#where(), type, why);
    return unportableForm(type, why);
  }
}

/** Forms with a comma between each two. */
function divided(begin, forms, end) {
  const pieces = [begin];
  forms.forEach((form, at) => {
    if (at > 0) pieces.push(',');
    pieces.push(...form);
  });
  pieces.push(end);
  return pieces;
}

function properties(object) {
  const names = Object.keys(object);
  if (names.includes('$')) return divided('{"$":"object","properties":[', pairs(object, names), ']}');
  return divided('{', names.map((name) => [`${text(name)}:`, { name, value: object[name] }]), '}');
}

function array(values) {
  if (isDense(values)) return divided('[', values.map((value, name) => [{ name, value }]), ']');
  return divided(`{"$":"array","length":${values.length},"properties":[`, pairs(values, Object.keys(values)), ']}');
}

const pairs = (object, names) => names.map((name) => [`[${text(name)},`, { name, value: object[name] }, ']']);

function map(entries) {
  return divided('{"$":"map","entries":[', Array.from(entries, ([key, value], name) => ['[', { name, value: key }, ',', { name, value }, ']']), ']}');
}

function list(kind, values) {
  return divided(`{"$":"${kind}","values":[`, Array.from(values, (value, at) => [{ name: at, value }]), ']}');
}

function error(thrown) {
  const own = (name) => Object.hasOwn(thrown, name);
  const message = own('message') ? `,"message":${text(String(thrown.message))}` : '';
  const stack = typeof thrown.stack === 'string' ? `,"stack":${text(thrown.stack)}` : '';
  const begin = `{"$":"error","name":${text(thrown.name)}${message}${stack}`;
  return own('cause') ? [`${begin},"cause":`, { name: 'cause', value: thrown.cause }, '}'] : `${begin}}`;
}

function viewForm(view, kind) {
  const [begin, end] = writeView(view, kind);
  return [begin, { value: view.buffer }, end];
}

/** What stands in the place of something that cannot leave the browser. */
export function unportableForm(type, why) {
  return `{"$":"unportable","type":${text(type)},"why":${text(why)}}`;
}
