/*
 * Contents that stand apart from the values that hold them: in parts of one MiB, the last of which is shorter, named by their SHA-256.
 */

import { sha256 } from './sha256.js';
import { PART_BYTES } from './values/buffers.js';

/** The parts of a Blob, one after the other, each with its name. No more than one is in memory. */
export async function* partsOf(blob) {
  for (let from = 0; from < blob.size; from += PART_BYTES) {
    const bytes = new Uint8Array(await blob.slice(from, from + PART_BYTES).arrayBuffer());
    yield { name: await sha256(bytes), bytes };
  }
}
