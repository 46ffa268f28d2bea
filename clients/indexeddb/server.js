/*
 * A service of rowkeep: states go there and come back.
 */

import { RowkeepError } from './errors.js';
import { Pieces } from './file/pieces.js';
import { sha256 } from './sha256.js';

/** How many pieces are asked about at once, and how many are sent at once. */
const ASK_PIECES = 5000;
const SEND_AT_ONCE = 4;

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
    const missing = new Set();
    for (let at = 0; at < names.length; at += ASK_PIECES) {
      const answer = await this.#asked('POST', `${this.database}/arrivals/missing`, { pieces: names.slice(at, at + ASK_PIECES) });
      for (const name of (await answer.json()).missing) missing.add(name);
    }
    return missing;
  }

  /** Sends a piece. */
  async send(name, blob) {
    const packed = await new Response(blob.stream().pipeThrough(new CompressionStream('gzip'))).blob();
    await this.#asked('PUT', `${this.database}/arrivals/pieces/${name}`, packed);
    return packed.size;
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

/** Sends a file to a service: pieces that are not there, once it is whole. */
export class ServerSink {
  #server;
  #labels;
  #pieces;
  #blobs = new Map();
  #names = [];
  /** The snapshot that was made, and how many bytes were sent. */
  snapshot;
  sent = 0;

  constructor(server, labels) {
    this.#server = server;
    this.#labels = labels;
    this.#pieces = new Pieces(async (bytes) => {
      const blob = new Blob(bytes);
      const name = await sha256(new Uint8Array(await blob.arrayBuffer()));
      this.#names.push(name);
      this.#blobs.set(name, blob);
    });
  }

  /** Takes bytes. */
  write(bytes) {
    return this.#pieces.add(bytes);
  }

  /** Sends what is not there, and has a snapshot made. */
  async close() {
    await this.#pieces.end();
    const left = [...await this.#server.missing([...this.#blobs.keys()])];
    const sender = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const bytes = await this.#server.send(name, this.#blobs.get(name));
        // Others have sent something meanwhile.
        this.sent += bytes;
      }
    };
    await Promise.all(Array.from({ length: SEND_AT_ONCE }, sender));
    this.snapshot = await this.#server.finish(this.#names, this.#labels);
  }

  /** Forgets it; pieces that were sent stay there. */
  abort() {
    this.#blobs.clear();
    this.#names = [];
  }
}
