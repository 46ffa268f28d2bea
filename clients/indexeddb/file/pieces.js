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

/** Cuts bytes; `take(chunks)` gets each piece as a list of bytes. */
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
    while (from < bytes.length) {
      // The first line says when the state was, and is another each time.
      const head = this.#isFirst ? bytes.indexOf(10, from) + 1 : 0;
      const { end, isWhole } = this.#end(bytes, from, head || bytes.length);
      this.#gathered.push(bytes.slice(from, end));
      this.#length += end - from;
      from = end;
      if (end === head) this.#isFirst = false;
      if (isWhole || end === head) await this.#cut();
    }
  }

  /** How far the piece that is begun goes within bytes, and whether it ends there by itself. */
  #end(bytes, from, to) {
    const { least, most, bits } = this.#bytes < FAR_BYTES ? NEAR : FAR;
    const latest = from + most - this.#length;
    const earliest = from + least - this.#length;
    const last = Math.min(to, latest);
    const shift = 32 - bits;
    let hash = this.#hash;
    // What is further back than the hash has bits is not in it any more.
    for (let at = Math.max(from, earliest - 33); at < last; at += 1) {
      hash = ((hash << 1) + GEAR[bytes[at]]) | 0;
      if (hash >>> shift === 0 && at + 1 >= earliest) return { end: at + 1, isWhole: true };
    }
    this.#hash = hash;
    return { end: last, isWhole: last === latest };
  }

  /** Gives what is left. */
  async end() {
    if (this.#length > 0) await this.#cut();
  }

  async #cut() {
    const chunks = this.#gathered;
    this.#bytes += this.#length;
    this.#gathered = [];
    this.#length = 0;
    this.#hash = 0;
    await this.#take(chunks);
  }
}
