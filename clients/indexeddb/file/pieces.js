/*
 * A file cut into pieces by what is in it: where little was changed, most pieces are those that there were before.
 */

/** How many bytes pieces have at least and at most, and by how many bits of the hash they end: at the beginning of a file, and far behind it. */
const NEAR = { least: 4 << 10, most: 256 << 10, bits: 14 };
const FAR = { least: 64 << 10, most: 512 << 10, bits: 18 };
const FAR_BYTES = 64 << 20;

/** A number for each byte, the same for ever. */
const GEAR = (() => {
  const numbers = new Uint32Array(256);
  let state = 0x9e3779b9;
  for (let at = 0; at < 256; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    numbers[at] = state;
  }
  return numbers;
})();

/** Cuts bytes; `take(piece)` gets each piece, which is a list of bytes. */
export class Pieces {
  #take;
  #gathered = [];
  #length = 0;
  #bytes = 0;
  #hash = 0;
  #isFirst = true;

  constructor(take) {
    this.#take = take;
  }

  /** Takes bytes. */
  async add(bytes) {
    let from = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const { least, most, bits } = this.#bytes < FAR_BYTES ? NEAR : FAR;
      this.#hash = ((this.#hash << 1) + GEAR[bytes[at]]) >>> 0;
      this.#length += 1;
      // The first line says when the state was, and is another each time.
      const isHead = this.#isFirst && bytes[at] === 10;
      if (!isHead && this.#length < most && (this.#length < least || this.#hash >>> (32 - bits) !== 0)) continue;
      this.#gathered.push(bytes.slice(from, at + 1));
      from = at + 1;
      this.#isFirst &&= !isHead;
      await this.#cut();
    }
    if (from < bytes.length) this.#gathered.push(bytes.slice(from));
  }

  /** Gives what is left. */
  async end() {
    if (this.#length > 0) await this.#cut();
  }

  async #cut() {
    const piece = this.#gathered;
    this.#bytes += this.#length;
    this.#gathered = [];
    this.#length = 0;
    this.#hash = 0;
    await this.#take(piece);
  }
}
