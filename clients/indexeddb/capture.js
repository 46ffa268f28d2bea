/*
 * From a database into a file.
 */

import { read } from './database/capture.js';
import { RowkeepError, explained } from './errors.js';
import { NdjsonWriter, recordLine } from './file/ndjson-write.js';
import { Output } from './file/output.js';
import { checkPlace, elementLine, writePrn } from './file/prn-write.js';
import { PROGRAM } from './file/program.js';

const utf8 = new TextEncoder();

/** What files are called after, by what they are. */
const FORMATS = {
  ndjson: { line: recordLine, ending: 'ndjson', type: 'application/x-ndjson', write: writeNdjson },
  prn: { line: elementLine, ending: 'json', type: 'application/json', write: writePrnState },
};

/**
 * Reads a database and writes it to what `openSink(name, type)` gives.
 *
 * `watch` has `check()`, which throws when it is to stop, `progress(event)`, and `isPage`.
 */
export async function captureTo(openSink, database, options, watch) {
  const { format = 'ndjson', compression = 'gzip' } = options;
  const form = FORMATS[format];
  if (form === undefined) throw new RowkeepError('not-allowed', `there is no format ${format}: choose ndjson or prn`);
  if (compression !== 'gzip' && compression !== null) {
    throw new RowkeepError('not-allowed', `files are compressed by gzip, or not at all (compression: null), not by ${compression}`);
  }
  const time = new Date().toISOString();
  const state = await read(database, options, form.line, watch);
  const name = options.name ?? fileName(database.name, time, form.ending, compression);
  const header = {
    database: database.name,
    databaseVersion: database.version,
    time,
    program: PROGRAM,
    stores: state.stores.map(({ schema, next }) => (next === undefined ? schema : { ...schema, next })),
  };
  if (state.isPart) header.part = 'some stores';
  const sink = await openSink(name, compression === null ? form.type : 'application/gzip');
  const output = new Output(compression, sink);
  try {
    const sums = await form.write(output, { ...header }, state, watch, compression);
    const { size, sha256 } = await output.close();
    const unportable = state.apart.unportableFound;
    const stores = Object.fromEntries(state.stores.map((store) => [store.name, { records: store.records, sha256: sums[store.name] }]));
    return { name, size, sha256, time, database: database.name, databaseVersion: database.version, stores, unportable };
  } catch (error) {
    await output.abort(error);
    throw explained(error, 'the file cannot be written');
  }
}

/** The name of a database in characters that every file system takes; no two of those that are changed for that are alike. */
export function safeName(database) {
  const safe = database.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '').slice(0, 80) || 'database';
  if (safe === database) return safe;
  let sum = 0x811c9dc5;
  for (const byte of utf8.encode(database)) sum = Math.imul(sum ^ byte, 0x01000193);
  return `${safe}-${(sum >>> 0).toString(16).padStart(8, '0')}`;
}

/** The name of a file, of characters that every file system takes. */
function fileName(database, time, ending, compression) {
  return `${safeName(database)}-${time.replaceAll(':', '-').replace('.', '-')}.${ending}${compression === null ? '' : '.gz'}`;
}

async function writeNdjson(output, header, { stores, apart }, watch) {
  const writer = new NdjsonWriter(output);
  const sums = {};
  await writer.begin(header);
  for (const store of stores) {
    writer.beginStore();
    let bytesDone = 0;
    for await (const { bytes, text } of store.spool.pieces()) {
      watch.check();
      await watch.pause();
      if (bytes !== undefined) await writer.lines(bytes);
      else await writeMarked(writer, text, apart, watch);
      bytesDone += bytes?.length ?? text.length;
      watch.progress({ phase: 'write', store: store.name, bytes: bytesDone });
    }
    sums[store.name] = await writer.endStore(store, store.records);
  }
  await writer.end();
  return sums;
}

/** Writes lines with marks: what stands apart comes before the line that it is of. */
async function writeMarked(writer, text, apart, watch) {
  for (const line of text.split('\n').slice(0, -1)) {
    await watch.pause();
    const resolved = await apart.resolve(line, async (name, bytes) => {
      watch.check();
      await writer.part(name, bytes);
    });
    await writer.lines(utf8.encode(`${resolved}\n`));
  }
}

async function writePrnState(output, header, { stores, apart }, watch, compression) {
  checkPlace(stores, apart.count);
  watch.progress({ phase: 'write' });
  return writePrn(output, { ...header, compression }, stores, watch);
}
