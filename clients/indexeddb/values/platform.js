/*
 * Values that browsers add to those of the language.
 */

import { toBase64 } from './base64.js';
import { PART_BYTES } from './buffers.js';

const MATRIX = ['m11', 'm12', 'm13', 'm14', 'm21', 'm22', 'm23', 'm24', 'm31', 'm32', 'm33', 'm34', 'm41', 'm42', 'm43', 'm44'];
const FLAT = ['a', 'b', 'c', 'd', 'e', 'f'];
const POINT = ['x', 'y', 'z', 'w'];
const RECT = ['x', 'y', 'width', 'height'];
const CORNERS = ['p1', 'p2', 'p3', 'p4'];

const numbers = (object, names) => names.map((name) => object[name]);

/** Shapes, by their names: which numbers they are made of, and how of these. */
export const GEOMETRY = new Map([
  ['DOMPoint', [(point) => numbers(point, POINT), (made) => new DOMPoint(...made)]],
  ['DOMPointReadOnly', [(point) => numbers(point, POINT), (made) => new DOMPointReadOnly(...made)]],
  ['DOMRect', [(rect) => numbers(rect, RECT), (made) => new DOMRect(...made)]],
  ['DOMRectReadOnly', [(rect) => numbers(rect, RECT), (made) => new DOMRectReadOnly(...made)]],
  ['DOMMatrix', [(matrix) => numbers(matrix, matrix.is2D ? FLAT : MATRIX), (made) => new DOMMatrix(made)]],
  ['DOMMatrixReadOnly', [(matrix) => numbers(matrix, matrix.is2D ? FLAT : MATRIX), (made) => new DOMMatrixReadOnly(made)]],
  ['DOMQuad', [
    (quad) => CORNERS.flatMap((corner) => numbers(quad[corner], POINT)),
    (made) => new DOMQuad(...[0, 4, 8, 12].map((from) => {
      const [x, y, z, w] = made.slice(from, from + 4);
      return { x, y, z, w };
    })),
  ]],
]);

/** Writes a shape. */
export function writeGeometry(shape, kind, number) {
  const [read] = GEOMETRY.get(kind);
  return `{"$":"geometry","type":"${kind}","values":[${read(shape).map(number).join(',')}]}`;
}

/** Makes a shape of its name and its numbers. */
export function readGeometry(kind, values) {
  const [, make] = GEOMETRY.get(kind);
  return make(values);
}

/** Writes the pixels of a picture; `content(blob, form)` has them stand apart. */
export function writeImage(image, content) {
  const { data } = image;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const format = image.pixelFormat === undefined || image.pixelFormat === 'rgba-unorm8' ? '' : `,"format":"${image.pixelFormat}"`;
  const about = `"width":${image.width},"height":${image.height},"colors":"${image.colorSpace}"${format}`;
  if (bytes.length <= PART_BYTES) return `{"$":"image",${about},"bytes":"${toBase64(bytes)}"}`;
  return content(new Blob([bytes]), (parts) => `{"$":"image",${about},"size":${bytes.length},"parts":${parts}}`);
}

/** Makes a picture of its form and its pixels. */
export function readImage(form, bytes) {
  const settings = { colorSpace: form.colors };
  if (form.format !== undefined) settings.pixelFormat = form.format;
  const data = form.format === 'rgba-float16' ? new Float16Array(bytes.buffer) : new Uint8ClampedArray(bytes.buffer);
  return new ImageData(data, form.width, form.height, settings);
}

/** Writes a key of the Web Cryptography API that may leave the browser. */
export async function writeCryptoKey(key) {
  const jwk = await crypto.subtle.exportKey('jwk', key);
  const { kty, ...rest } = jwk;
  const members = Object.keys(rest).filter((name) => name !== 'ext' && name !== 'key_ops').sort();
  const sorted = { kty, ...Object.fromEntries(members.map((name) => [name, rest[name]])) };
  const algorithm = JSON.stringify(key.algorithm, (name, value) => (value instanceof Uint8Array ? Array.from(value) : value));
  return `{"$":"cryptokey","algorithm":${algorithm},"usages":${JSON.stringify([...key.usages].sort())},"jwk":${JSON.stringify(sorted)}}`;
}

/** Makes such a key again. */
export async function readCryptoKey({ algorithm, usages, jwk }) {
  const exponent = algorithm.publicExponent;
  const settings = exponent === undefined ? algorithm : { ...algorithm, publicExponent: Uint8Array.from(exponent) };
  return crypto.subtle.importKey('jwk', jwk, settings, true, usages);
}
