/*
 * A service of rowkeep: states go there and come back.
 */

import { RowkeepError } from './errors.js';
import { joined } from './file/bytes.js';
import { Pieces } from './file/pieces.js';
import { sha256 } from './sha256.js';

/** How many bytes of pieces are gathered before the service is asked which it has, and how many packed ones are sent at once. */
const GATHER_BYTES = 4 << 20;
const SEND_BYTES = 256 << 10;

/** How long the service is to wait for a job before it says that it goes on. */
const WAIT = '30s';

/** A database of a service: `{ url, database, token, device, after }`. */
export class Server {
  #address;
  #token;
  #device;
  #after;

  constructor({ url, database, token, device, after }) {
    if (typeof url !== 'string' || typeof database !== 'string' || typeof token !== 'string') {
      throw new RowkeepError('not-allowed', 'a server is { url, database, token }: its address, the name of the database there, and a token of its API');
    }
    this.#address = `${url.replace(/\/+$/, '')}/api/v1/`;
    this.database = `databases/${encodeURIComponent(database)}`;
    this.#token = token;
    this.#device = device;
    this.#after = after;
  }

  /** Which of these pieces are not there yet. */
  async missing(names) {
    if (names.length === 0) return [];
    const answer = await this.#asked('POST', `${this.database}/arrivals/missing`, { pieces: names });
    return (await answer.json()).missing;
  }

  /** Sends pieces, `[name, bytes]` each; gives how many bytes that was. */
  async send(pieces) {
    let sent = 0;
    let names = [];
    let packed = [];
    let length = 0;
    const sendPacked = async () => {
      if (names.length === 0) return;
      const answer = await this.#asked('POST', `${this.database}/arrivals/pieces`, new Blob(packed));
      const kept = new Set((await answer.json()).kept);
      if (!names.every((name) => kept.has(name))) throw new RowkeepError('server', 'what came to the service is not what was sent: do it again');
      sent += length;
      names = [];
      packed = [];
      length = 0;
    };
    for (const [name, bytes] of pieces) {
      const piece = await gzip(bytes);
      if (length + piece.byteLength > SEND_BYTES) await sendPacked();
      names.push(name);
      packed.push(piece);
      length += piece.byteLength;
    }
    await sendPacked();
    return sent;
  }

  /** Has a snapshot made of a state that is there; gives its id. */
  async finish(pieces, { name, tags } = {}) {
    const body = { pieces, tags: { ...tags } };
    if (name !== undefined) body.name = name;
    if (this.#device !== undefined) body.device = this.#device;
    if (this.#after !== undefined) body.tags.after = this.#after;
    const { outcome } = await this.#done(await this.#asked('POST', `${this.database}/arrivals?wait=${WAIT}`, body));
    return outcome.imported[0].snapshot.id;
  }

  /** The file of a snapshot. */
  async state(snapshot = 'latest') {
    const wanted = { snapshot, format: 'own', compression: 'gzip' };
    const { id } = await this.#done(await this.#asked('POST', `${this.database}/exports?wait=${WAIT}`, wanted));
    const { files } = await (await this.#asked('GET', `${this.database}/exports/${id}`)).json();
    const answer = await this.#asked('GET', `${this.database}/exports/${id}/files/${encodeURIComponent(files[0].name)}`);
    return answer.blob();
  }

  /** The id of a snapshot that is named. */
  async named(snapshot = 'latest') {
    const answer = await this.#asked('GET', `${this.database}/snapshots/${encodeURIComponent(snapshot)}`);
    return (await answer.json()).snapshot.id;
  }

  /** The newest snapshot that is not of this device; nothing where there is none. */
  async newestOfOthers() {
    let path = `${this.database}/snapshots`;
    for (;;) {
      const { snapshots, next_cursor: next } = await (await this.#asked('GET', path)).json();
      const found = snapshots.find(({ tags }) => tags?.device !== this.#device);
      if (found !== undefined || !next) return found?.id;
      path = `${this.database}/snapshots?cursor=${encodeURIComponent(next)}`;
    }
  }

  /** Merges what one snapshot changed into another. */
  async merge(request) {
    const job = await this.#done(await this.#asked('POST', `${this.database}/merges?wait=${WAIT}`, request), ['done', 'refused']);
    return job.outcome;
  }

  /** A job, once it is over as it may be. */
  async #done(answer, states = ['done']) {
    let job = await answer.json();
    while (['waiting', 'running'].includes(job.state)) job = await (await this.#asked('GET', `jobs/${job.id}?wait=${WAIT}`)).json();
    if (states.includes(job.state)) return job;
    throw new RowkeepError('server', `the service did not do it: ${job.error ?? job.state}`);
  }

  async #asked(method, path, body) {
    const isBytes = body instanceof Blob;
    const headers = { authorization: `Bearer ${this.#token}` };
    if (body !== undefined) headers['content-type'] = isBytes ? 'application/octet-stream' : 'application/json';
    let answer;
    try {
      answer = await fetch(`${this.#address}${path}`, {
        method, headers, body: isBytes || body === undefined ? body : JSON.stringify(body), credentials: 'omit', cache: 'no-store',
      });
    } catch (error) {
      throw new RowkeepError('no-server', `the service at ${this.#address} does not answer, or does not know this site ([service] sites): what was `
        + 'sent stays there, so that it goes on from there', {}, error);
    }
    if (answer.ok) return answer;
    const { detail } = await answer.json().catch(() => ({}));
    throw new RowkeepError('server', `the service refuses it (${answer.status}): ${detail ?? answer.statusText}`);
  }
}

/** Bytes packed by gzip. */
function gzip(bytes) {
  const stream = new CompressionStream('gzip');
  const writer = stream.writable.getWriter();
  // What is wrong with it, its reader hears.
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  return new Response(stream.readable).arrayBuffer();
}

/** Sends a file to a service: those pieces that are not there, while the next come. */
export class ServerSink {
  #server;
  #labels;
  #pieces = new Pieces((chunks) => this.#take(chunks));
  #names = [];
  #gathered = [];
  #length = 0;
  #known = new Set();
  #sending = Promise.resolve();
  /** Each piece is known by its hash. */
  hashesPieces = true;
  /** The snapshot that was made, and how many bytes were sent. */
  snapshot;
  sent = 0;

  constructor(server, labels) {
    this.#server = server;
    this.#labels = labels;
  }

  /** Takes bytes. */
  write(bytes) {
    return this.#pieces.add(bytes);
  }

  /** Sends the rest, and has a snapshot made. */
  async close() {
    await this.#pieces.end();
    await this.#sendGathered();
    await this.#sending;
    this.snapshot = await this.#server.finish(await Promise.all(this.#names), this.#labels);
  }

  /** Forgets it; pieces that were sent stay there. */
  abort() {
    this.#names = [];
    this.#gathered = [];
  }

  async #take(chunks) {
    const bytes = joined(chunks, chunks.reduce((length, chunk) => length + chunk.length, 0));
    const name = sha256(bytes);
    this.#names.push(name);
    this.#gathered.push({ name, bytes });
    this.#length += bytes.length;
    if (this.#length >= GATHER_BYTES) await this.#sendGathered();
  }

  /** Sends what is gathered, once what was gathered before is there. */
  async #sendGathered() {
    const pieces = this.#gathered;
    this.#gathered = [];
    this.#length = 0;
    await this.#sending;
    this.#sending = this.#send(pieces);
    // Whoever waits for it next hears of it.
    this.#sending.catch(() => {});
  }

  async #send(gathered) {
    const pieces = new Map(await Promise.all(gathered.map(async ({ name, bytes }) => [await name, bytes])));
    const missing = await this.#server.missing([...pieces.keys()].filter((name) => !this.#known.has(name)));
    this.sent += await this.#server.send(missing.map((name) => [name, pieces.get(name)]));
    // Others may be sent again where this was cut off.
    for (const name of pieces.keys()) this.#known.add(name);
  }
}
