/*
 * The places that a captured file can go to.
 */

import { captureTo } from './capture.js';
import { openExisting } from './database/open.js';
import { RowkeepError } from './errors.js';
import { BlobSink, StreamSink } from './file/output.js';
import { OpfsSink } from './opfs.js';
import { Server, ServerSink } from './server.js';

/** Captures a database that is open. Options are those of `capture` (see index.d.ts). */
export async function captureDatabase(database, options, watch) {
  let sink;
  const isServer = typeof options.to?.server === 'object';
  if (isServer && options.format !== undefined && options.format !== 'ndjson') {
    throw new RowkeepError('not-allowed', 'a service takes states in their own form alone: leave out format');
  }
  const openSink = async (name, type) => {
    const { to = 'file' } = options;
    if (to === 'file') sink = new BlobSink(type);
    else if (to === 'opfs') sink = await OpfsSink.open(name);
    else if (isServer) sink = new ServerSink(new Server(to.server), { name: options.name, tags: options.tags });
    else if (typeof to?.getWriter === 'function') sink = new StreamSink(to);
    else throw new RowkeepError('not-allowed', "a state goes to 'file', to 'opfs', to a WritableStream, or to { server }");
    return sink;
  };
  // Pieces are packed one by one.
  const captured = await captureTo(openSink, database, isServer ? { ...options, compression: null } : options, watch);
  if (isServer) return { ...captured, snapshot: sink.snapshot, sent: sink.sent };
  return sink.file === undefined ? captured : { ...captured, file: sink.file };
}

/** Captures a database that is found by its name. */
export async function captureByName(name, options, watch) {
  const database = await openExisting(name);
  if (database === null) throw new RowkeepError('no-such-database', `there is no database ${name} here`);
  try {
    return await captureDatabase(database, options, watch);
  } finally {
    database.close();
  }
}
