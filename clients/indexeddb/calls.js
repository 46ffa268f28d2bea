/*
 * What pages call: captures and restores, in a worker where that can be.
 */

import { captureDatabase, captureByName } from './capture-to.js';
import { NoWorker, inWorker } from './in-worker.js';
import { restoreFrom } from './restore.js';
import { lastKnown, remember } from './last-known.js';
import { Server } from './server.js';
import { Watch } from './watch.js';

/** Reads a database, which is open or named, in one consistent state into a file. */
export async function capture(database, options = {}) {
  const { server } = options.to ?? {};
  if (typeof server !== 'object') return captureTo(database, options);
  const name = nameOf(database);
  const captured = await captureTo(database, { ...options, to: { server: { ...server, after: lastKnown(name, server) } } });
  // A part of the stores is no state that another device could have.
  if (options.stores === undefined) remember(name, server, captured.snapshot);
  return captured;
}

async function captureTo(database, options) {
  const { onProgress, signal, worker = true, ...rest } = options;
  const name = nameOf(database);
  const isStream = typeof rest.to?.getWriter === 'function';
  if (worker && (typeof database === 'string' || await isFoundByName(name))) {
    try {
      return await inWorker('capture', [name, rest], { onProgress, signal }, isStream ? [rest.to] : []);
    } catch (error) {
      if (!mayBeOnPage(error, database)) throw error;
    }
  }
  const watch = new Watch({ onProgress, signal });
  return typeof database === 'string' ? captureByName(name, rest, watch) : captureDatabase(database, rest, watch);
}

/** Restores a file into a database, which is open or named; one that does not exist is made as the file says. */
export async function restore(database, file, options = {}) {
  const { server } = file;
  if (typeof server !== 'object') return restoreBlob(database, file, options);
  const snapshot = await new Server(server).named(file.snapshot);
  const restored = await restoreBlob(database, { server, snapshot }, options);
  const isWhole = options.stores === undefined && !options.dryRun && restored.mode === 'replace';
  if (isWhole) remember(nameOf(database), server, snapshot);
  return restored;
}

async function restoreBlob(database, file, options) {
  const { onProgress, signal, worker = true, ...rest } = options;
  const blob = await blobOf(file);
  const name = nameOf(database);
  const isOpen = typeof database !== 'string';
  // A worker would make what it does not find, and a database of a storage bucket it does not find.
  if (worker && (!isOpen || await isFoundByName(name))) {
    try {
      return await inWorker('restore', [name, blob, rest], { onProgress, signal });
    } catch (error) {
      if (!mayBeOnPage(error, database)) throw error;
    }
  }
  return restoreFrom(blob, isOpen ? { database } : { name }, rest, new Watch({ onProgress, signal }));
}

/** Has the browser save a file under its name, as a link that is followed does. */
export function download({ file, name }) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The file of a state, which may be in a service: `{ server, snapshot }`. */
async function blobOf(file) {
  if (typeof file.server === 'object') return new Server(file.server).state(file.snapshot);
  // A Blob of another frame is none of this one's.
  return typeof file.slice === 'function' ? file : file.blob();
}

function nameOf(database) {
  return typeof database === 'string' ? database : database.name;
}

/** Whether what failed in a worker can be done on the page: where there is none, or it does not find what the page has open. */
function mayBeOnPage(error, database) {
  if (error instanceof NoWorker || error.code === 'main-thread') return true;
  return error.code === 'no-such-database' && typeof database !== 'string';
}

async function isFoundByName(name) {
  const found = await indexedDB.databases?.();
  return found === undefined || found.some((database) => database.name === name);
}
