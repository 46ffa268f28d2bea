/*
 * The bytes of a file, unpacked where it is packed.
 */

import { RowkeepError } from '../errors.js';

const BLOCK_BYTES = 256 * 1024;
/** No line is longer; JavaScript has no longer texts. */
const LONGEST_LINE_BYTES = 512 * 1024 * 1024;

/** Whether a file is packed by gzip. */
async function isPacked(file) {
  const [first, second] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return first === 0x1f && second === 0x8b;
}

/** The bytes of a file, as a stream. */
async function stream(file) {
  return await isPacked(file) ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
}

/** The bytes of a file in pieces. */
export async function* pieces(file) {
  const reader = (await stream(file)).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error instanceof TypeError) {
      throw new RowkeepError('damaged', `the file is damaged: ${error.message} Take another copy of it, or an earlier one`, {}, error);
    }
    throw new RowkeepError('damaged', `the file cannot be read (${error.message}): choose it again`, {}, error);
  } finally {
    // Whoever stops early needs no more of it.
    reader.cancel().catch(() => {});
  }
}

/** The text of a file in pieces; it refuses what is no UTF-8. */
export async function* texts(file) {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const bytes of pieces(file)) yield decoder.decode(bytes, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (error instanceof RowkeepError) throw error;
    throw new RowkeepError('damaged', 'the file is no text of UTF-8. Take another copy of it, or an earlier one', {}, error);
  }
}

/** Lines in blocks: their bytes, and their texts without line ends. What follows the last line end is a line too. */
export async function* lineBlocks(file) {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let kept = [];
  let length = 0;
  for await (const piece of pieces(file)) {
    kept.push(piece);
    length += piece.length;
    if (length < BLOCK_BYTES) continue;
    if (length > LONGEST_LINE_BYTES) throw new RowkeepError('damaged', 'the file has a line that is longer than any that is written');
    const end = piece.lastIndexOf(10) + 1;
    if (end === 0) continue;
    const rest = piece.subarray(end);
    yield block(joined(kept, length), length - rest.length, decoder);
    kept = [rest];
    length = rest.length;
  }
  if (length > 0) yield block(joined(kept, length), length, decoder);
}

/** Chunks of so many bytes together, one behind the other. */
export function joined(chunks, length) {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function block(bytes, end, decoder) {
  const own = bytes.subarray(0, end);
  let text;
  try {
    text = decoder.decode(own);
  } catch (error) {
    throw new RowkeepError('damaged', 'the file is no text of UTF-8. Take another copy of it, or an earlier one', {}, error);
  }
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return { bytes: own, lines };
}
