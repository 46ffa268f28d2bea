/*
 * Where the bytes of a file go: compressed on the way if that is wanted, counted, hashed, and kept by the browser or handed on.
 */

import { Sha256 } from '../sha256.js';

const KEEP_BYTES = 1 << 20;

/** A file in the making. */
export class Output {
  #writer;
  #drained = Promise.resolve();
  #hash;
  #bytes = 0;
  #sink;

  /**
   * `compression` is `gzip` or nothing; `sink` has `write(bytes)`, `close()` and `abort(reason)`, and `hashesPieces` where nobody needs the hash
   * of the whole.
   */
  constructor(compression, sink) {
    this.#sink = sink;
    if (!sink.hashesPieces) this.#hash = new Sha256();
    if (compression === undefined || compression === null) return;
    const stream = new CompressionStream(compression);
    this.#writer = stream.writable.getWriter();
    this.#drained = this.#drain(stream.readable.getReader());
    this.#drained.catch(() => {});
  }

  /** Writes bytes; what is compressed is taken when there is room for it. */
  async write(bytes) {
    if (this.#writer === undefined) return this.#take(bytes);
    // Where the sink fails, nobody takes what is compressed, and the writer would wait for ever.
    await Promise.race([this.#writer.ready, this.#drained]);
    this.#writer.write(bytes).catch(() => {});
    return undefined;
  }

  /** Ends the file; gives its size, and its SHA-256 unless its pieces have theirs. */
  async close() {
    await Promise.all([this.#writer?.close(), this.#drained]);
    await this.#sink.close();
    return { size: this.#bytes, sha256: this.#hash?.hex() };
  }

  /** Gives the file up: nothing of it stays. */
  async abort(reason) {
    // What is on its way may never come to an end.
    this.#writer?.abort(reason).catch(() => {});
    await this.#sink.abort(reason);
  }

  async #drain(reader) {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      await this.#take(value);
    }
  }

  async #take(bytes) {
    this.#hash?.update(bytes);
    this.#bytes += bytes.length;
    await this.#sink.write(bytes);
  }
}

/** Keeps a file as a Blob, which is the browser's memory and disk, not the page's. */
export class BlobSink {
  #type;
  #kept = [];
  #bytes = [];
  #length = 0;

  constructor(type) {
    this.#type = type;
  }

  /** Takes bytes. */
  write(bytes) {
    this.#bytes.push(bytes);
    this.#length += bytes.length;
    if (this.#length >= KEEP_BYTES) this.#keep();
  }

  /** Ends the file. */
  close() {
    this.#keep();
  }

  /** Forgets it. */
  abort() {
    this.#kept = [];
    this.#bytes = [];
  }

  /** The file. */
  get file() {
    return new Blob(this.#kept, { type: this.#type });
  }

  #keep() {
    this.#kept.push(new Blob(this.#bytes));
    this.#bytes = [];
    this.#length = 0;
  }
}

/** Hands a file on to a stream. */
export class StreamSink {
  #writer;

  constructor(stream) {
    this.#writer = stream.getWriter();
  }

  /** Waits until there is room. */
  async write(bytes) {
    await this.#writer.ready;
    await this.#writer.write(bytes);
  }

  /** Ends the stream. */
  close() {
    return this.#writer.close();
  }

  /** Ends it as failed. */
  abort(reason) {
    return this.#writer.abort(reason).catch(() => {});
  }
}
