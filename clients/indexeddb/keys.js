/*
 * Keys of IndexedDB as bytes whose order is that of the keys (see FORMAT.md), as text, and out of the records that hold them.
 */

import { RowkeepError } from './errors.js';
import { toBase64 } from './values/base64.js';
import { encode } from './values/encode.js';

const NUMBER = 0x10;
const DATE = 0x20;
const STRING = 0x30;
const BINARY = 0x40;
const ARRAY = 0x50;

/** Code units from here on have two bytes, and three. */
const TWO = 0x7f;
const THREE = TWO + 0x4000;

/** The bytes of a key. */
export function keyToBytes(key) {
  const bytes = [];
  add(key, bytes);
  return Uint8Array.from(bytes);
}

/** The key of bytes. */
export function keyFromBytes(bytes) {
  const reader = { bytes, at: 0 };
  const key = read(reader);
  if (reader.at !== bytes.length) refuse();
  return key;
}

/**
 * A key as text: as a value, but that -0 is 0, for to IndexedDB they are one key, of which browsers give back either, and that bytes stand in
 * it however many they are.
 */
export function keyToText(key) {
  if (key === 0) return '0';
  if (Array.isArray(key)) return `[${key.map(keyToText).join(',')}]`;
  const isBinary = typeof key === 'object' && !(key instanceof Date);
  return isBinary ? `{"$":"buffer","bytes":"${toBase64(binary(key))}"}` : encode(key, null);
}

/** The bytes of a binary key. */
function binary(key) {
  return ArrayBuffer.isView(key) ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength) : new Uint8Array(key);
}

function refuse() {
  throw new RowkeepError('damaged', 'these bytes are those of no key of IndexedDB');
}

function add(key, bytes) {
  if (typeof key === 'number') {
    bytes.push(NUMBER);
    addNumber(key, bytes);
  } else if (typeof key === 'string') {
    bytes.push(STRING);
    addString(key, bytes);
  } else if (Array.isArray(key)) {
    bytes.push(ARRAY);
    for (const part of key) add(part, bytes);
    bytes.push(0);
  } else if (key instanceof Date) {
    bytes.push(DATE);
    addNumber(key.getTime(), bytes);
  } else {
    bytes.push(BINARY);
    for (const byte of binary(key)) byte === 0 ? bytes.push(0, 0xff) : bytes.push(byte);
    bytes.push(0, 0);
  }
}

/** The bits of a double, turned so that they are in the order of the numbers. */
function addNumber(number, bytes) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number === 0 ? 0 : number);
  const isNegative = view.getUint8(0) >= 0x80;
  for (let at = 0; at < 8; at += 1) {
    const byte = view.getUint8(at);
    bytes.push(isNegative ? byte ^ 0xff : at === 0 ? byte ^ 0x80 : byte);
  }
}

/** Code units of UTF-16, of which the usual ones have one byte. */
function addString(text, bytes) {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < TWO) {
      bytes.push(unit + 1);
    } else if (unit < THREE) {
      bytes.push(0x80 | ((unit - TWO) >> 8), (unit - TWO) & 0xff);
    } else {
      bytes.push(0xc0, unit >> 8, unit & 0xff);
    }
  }
  bytes.push(0);
}

function read(reader) {
  switch (next(reader)) {
    case NUMBER: return readNumber(reader);
    case DATE: return new Date(readNumber(reader));
    case STRING: return readString(reader);
    case BINARY: return readBinary(reader);
    case ARRAY: return readArray(reader);
    default: return refuse();
  }
}

function next(reader) {
  if (reader.at >= reader.bytes.length) refuse();
  reader.at += 1;
  return reader.bytes[reader.at - 1];
}

function readNumber(reader) {
  const view = new DataView(new ArrayBuffer(8));
  const first = next(reader);
  const turn = first >= 0x80 ? 0 : 0xff;
  view.setUint8(0, turn === 0 ? first ^ 0x80 : first ^ 0xff);
  for (let at = 1; at < 8; at += 1) view.setUint8(at, next(reader) ^ turn);
  return view.getFloat64(0);
}

function readString(reader) {
  const units = [];
  for (let byte = next(reader); byte !== 0; byte = next(reader)) {
    if (byte < 0x80) units.push(byte - 1);
    else if (byte < 0xc0) units.push((((byte & 0x3f) << 8) | next(reader)) + TWO);
    else units.push((next(reader) << 8) | next(reader));
  }
  let text = '';
  for (let at = 0; at < units.length; at += 0x8000) text += String.fromCharCode(...units.slice(at, at + 0x8000));
  return text;
}

function readBinary(reader) {
  const bytes = [];
  for (;;) {
    const byte = next(reader);
    if (byte === 0 && next(reader) === 0) return Uint8Array.from(bytes).buffer;
    bytes.push(byte);
  }
}

function readArray(reader) {
  const parts = [];
  while (reader.bytes[reader.at] !== 0) parts.push(read(reader));
  reader.at += 1;
  return parts;
}

/** The key of a record that holds it, by the `keyPath` of its store; `undefined` where it has none. */
export function keyOf(value, keyPath) {
  if (Array.isArray(keyPath)) return keyPath.map((path) => at(value, path));
  return at(value, keyPath);
}

/** Follows a path as IndexedDB does: own properties, the length of texts and lists, and what a Blob and a File say of themselves. */
function at(value, path) {
  if (path === '') return value;
  let found = value;
  for (const name of path.split('.')) {
    if (typeof found === 'string' && name === 'length') found = found.length;
    else if (found instanceof Blob && ['size', 'type', 'name', 'lastModified'].includes(name)) found = found[name];
    else if (typeof found === 'object' && found !== null && Object.hasOwn(found, name)) found = found[name];
    else return undefined;
  }
  return found;
}

