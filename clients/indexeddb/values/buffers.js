/*
 * Buffers and the views of them.
 */

import { toBase64 } from './base64.js';

/** Up to how many bytes a buffer stands within its value; longer ones stand apart, in parts of that many bytes. */
export const PART_BYTES = 1 << 20;

/** The views that there are, by their names; those that this browser lacks are left out. */
export const VIEWS = new Map(
  ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Float16Array', 'Int32Array', 'Uint32Array',
    'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'DataView']
    .filter((name) => globalThis[name] !== undefined)
    .map((name) => [name, globalThis[name]]),
);

/** Writes a buffer; `content(blob, form)` has its bytes stand apart. */
export function writeBuffer(buffer, content) {
  const size = buffer.byteLength;
  const max = buffer.resizable ? `,"max":${buffer.maxByteLength}` : '';
  if (size <= PART_BYTES) return `{"$":"buffer","bytes":"${toBase64(new Uint8Array(buffer))}"${max}}`;
  return content(new Blob([buffer]), (parts) => `{"$":"buffer","size":${size}${max},"parts":${parts}}`);
}

/** Makes a buffer of its form; `bytes` are those that stood apart. */
export function readBuffer(form, bytes) {
  if (form.max === undefined) return bytes.buffer;
  const buffer = new ArrayBuffer(bytes.length, { maxByteLength: form.max });
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

/** What stands before and behind the form of its buffer in that of a view. */
export function writeView(view, kind) {
  const length = follows(view) ? '' : `,"length":${kind === 'DataView' ? view.byteLength : view.length}`;
  return [`{"$":"view","type":"${kind}","buffer":`, `,"offset":${view.byteOffset}${length}}`];
}

/** Makes a view of its form. */
export function readView(form, buffer) {
  const View = VIEWS.get(form.type);
  return form.length === undefined && buffer.resizable
    ? new View(buffer, form.offset)
    : new View(buffer, form.offset, form.length);
}

/**
 * Whether a view becomes longer and shorter with its buffer. Nothing says so, so the buffer is resized, and then is again as it was.
 */
function follows(view) {
  const { buffer } = view;
  if (!buffer.resizable) return false;
  const size = buffer.byteLength;
  if (view.byteLength === 0) {
    buffer.resize(Math.min(buffer.maxByteLength, size + 16));
    const isLonger = view.byteLength > 0;
    buffer.resize(size);
    return isLonger;
  }
  const shorter = view.byteOffset + view.byteLength - 1;
  const rest = new Uint8Array(buffer, shorter).slice();
  buffer.resize(shorter);
  const isInBounds = isUsable(view);
  buffer.resize(size);
  new Uint8Array(buffer).set(rest, shorter);
  return isInBounds;
}

/** Whether a view ends within its buffer. */
function isUsable(view) {
  try {
    return view instanceof DataView ? view.byteLength >= 0 : view.keys() !== undefined;
  } catch {
    return false;
  }
}
