/*
 * States that the browser keeps for the site itself (OPFS), as long as there is no connection: in a folder of their own.
 */

import { RowkeepError } from './errors.js';

const FOLDER = 'rowkeep';
/** What a file is called until it is whole. */
const PARTIAL = '.partial';

async function folder(create) {
  if (navigator.storage?.getDirectory === undefined) {
    throw new RowkeepError('not-allowed', 'this browser keeps no files for sites, or not for this one: it has to come over HTTPS');
  }
  const root = await navigator.storage.getDirectory();
  try {
    return await root.getDirectoryHandle(FOLDER, { create });
  } catch (error) {
    if (error.name === 'NotFoundError') return null;
    throw error;
  }
}

/** Writes a file that is there once it is whole. */
export class OpfsSink {
  #folder;
  #name;
  #writable;
  #release;

  /** Begins a file. */
  static async open(name) {
    const sink = new OpfsSink();
    sink.#folder = await folder(true);
    sink.#name = name.replaceAll(/[/\\]/g, '-');
    sink.#release = await held(sink.#name);
    try {
      await removeLeft(sink.#folder);
      // What is written shows when it is closed, and only then.
      const handle = await sink.#folder.getFileHandle(`${sink.#name}${PARTIAL}`, { create: true });
      sink.#writable = await handle.createWritable();
    } catch (error) {
      sink.#release();
      throw error;
    }
    return sink;
  }

  /** Takes bytes. */
  write(bytes) {
    return this.#writable.write(bytes);
  }

  /** Ends the file, and gives it its name. */
  async close() {
    await this.#writable.close();
    const handle = await this.#folder.getFileHandle(`${this.#name}${PARTIAL}`);
    await handle.move(this.#name);
    this.#release();
  }

  /** Gives it up. */
  async abort() {
    await this.#writable.abort().catch(() => {});
    await this.#folder.removeEntry(`${this.#name}${PARTIAL}`).catch(() => {});
    this.#release();
  }
}

/** What whoever writes a file holds, until the page is gone at the latest. */
const lockOf = (name) => `rowkeep-indexeddb writes ${name}`;

/** Gives what lets go of a file that nobody else writes meanwhile. */
function held(name) {
  return new Promise((resolve, reject) => {
    navigator.locks.request(lockOf(name), () => new Promise((release) => { resolve(release); })).catch(reject);
  });
}

/** Removes what pages left that were closed while they wrote. */
async function removeLeft(kept) {
  for await (const [name] of kept.entries()) {
    if (!name.endsWith(PARTIAL)) continue;
    await navigator.locks.request(lockOf(name.slice(0, -PARTIAL.length)), { ifAvailable: true }, (lock) => (
      lock === null ? undefined : kept.removeEntry(name).catch(() => {})
    ));
  }
}

/** The states that are kept: their names and sizes, and when they were written; the oldest first. */
export async function keptStates() {
  const states = [];
  const kept = await folder(false);
  if (kept === null) return states;
  for await (const [name, handle] of kept.entries()) {
    if (handle.kind !== 'file' || name.endsWith(PARTIAL)) continue;
    const file = await handle.getFile();
    states.push({ name, size: file.size, time: new Date(file.lastModified).toISOString() });
  }
  return states.sort((a, b) => (a.time + a.name < b.time + b.name ? -1 : 1));
}

/** A state that is kept, as a file. */
export async function keptState(name) {
  const kept = await folder(false);
  try {
    return await (await kept.getFileHandle(name)).getFile();
  } catch (error) {
    if (kept !== null && error.name !== 'NotFoundError') throw error;
    throw new RowkeepError('no-such-file', `there is no state ${name} in the site's own files`);
  }
}

/** Forgets a state, where there is one. */
export async function removeKeptState(name) {
  const kept = await folder(false);
  await kept?.removeEntry(name).catch((error) => {
    if (error.name !== 'NotFoundError') throw error;
  });
}
