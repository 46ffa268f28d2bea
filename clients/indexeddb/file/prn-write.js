/*
 * The JSON 4.0 of Phone Range Nexus: all records in one object, as its own program restores them.
 */

import { RowkeepError } from '../errors.js';
import { Sha256 } from '../sha256.js';
import { PROGRAM } from './program.js';

const utf8 = new TextEncoder();
const COMMA = utf8.encode(',');

/** The line of a record, as it stands in the file but for the comma before it. */
export const elementLine = (store, keyText, valueText) => `${valueText}\n`;

/** Refuses what that form has no place for. */
export function checkPlace(stores, contents) {
  const apart = stores.find(({ keyPath }) => keyPath === null);
  if (apart !== undefined) {
    throw new RowkeepError('no-place', `the JSON of Phone Range Nexus has no place for keys beside records, as the store ${apart.name} has them: `
      + "choose format: 'ndjson', or leave the store out", { store: apart.name });
  }
  if (contents > 0) {
    throw new RowkeepError('no-place', 'the JSON of Phone Range Nexus has no place for contents of Blobs and long buffers, and for keys of '
      + "cryptography: choose format: 'ndjson', or leave their stores out");
  }
}

/**
 * Writes a state whose records were read already: `stores` have their `name`, `keyPath`, `records` and `spool`. The checksums stand
 * in the file before what they are of, so that all is read twice.
 */
export async function writePrn(output, header, stores, watch) {
  const { sums, checksum, size } = await checksums(stores, watch);
  const write = (text) => output.write(utf8.encode(text));
  const metadata = {
    version: '4.0',
    timestamp: header.time,
    type: 'full_backup',
    compression: header.compression !== null,
    encryption: false,
    checksum: `sha256:${checksum}`,
    record_count: stores.reduce((sum, { records }) => sum + records, 0),
    size_bytes: size,
    program: PROGRAM,
  };
  if (header.part !== undefined) metadata.part = header.part;
  const schema = {
    version: header.databaseVersion,
    tables: stores.map(({ name }) => name),
    keys: Object.fromEntries(stores.filter(isNamed).map(({ name, keyPath }) => [name, [keyPath].flat()])),
    database: header.database,
    stores: header.stores,
  };
  await write(`{"metadata":${JSON.stringify(metadata)},\n"schema":${JSON.stringify(schema)},\n"data":{`);
  let at = 0;
  for (const store of stores) {
    await write(`${at > 0 ? ',' : ''}\n${JSON.stringify(store.name)}:[`);
    let isFirst = true;
    for await (const { bytes } of store.spool.pieces()) {
      await watch.pause();
      if (!isFirst) await output.write(COMMA);
      // Between two records stand a comma and a line end; the last has none.
      await output.write(separated(bytes));
      isFirst = false;
    }
    await write('\n]');
    at += 1;
  }
  const integrity = { table_checksums: sums, verification_time: header.time };
  await write(`\n},\n"integrity":${JSON.stringify(integrity)}}\n`);
  return sums;
}

/** Members of records name them only where they are members of the record itself. */
const isNamed = ({ keyPath }) => [keyPath].flat().every((path) => path !== '' && !path.includes('.'));

/** Lines of records as elements of a list, each on a line of its own. */
function separated(lines) {
  const ends = lines.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
  const out = new Uint8Array(lines.length + ends - 1);
  out[0] = 10;
  let to = 1;
  for (let from = 0; from < lines.length - 1; from += 1) {
    if (lines[from] === 10) {
      out[to] = 44;
      to += 1;
    }
    out[to] = lines[from];
    to += 1;
  }
  return out;
}

/** The checksums of each table and of all, which are of what `JSON.stringify` prints, and how long that is. */
async function checksums(stores, watch) {
  const all = new Sha256();
  const sums = {};
  let size = 0;
  const add = (bytes, hashes) => {
    size += bytes.length;
    for (const hash of hashes) hash.update(bytes);
  };
  add(utf8.encode('{'), [all]);
  let at = 0;
  for (const store of stores) {
    const own = new Sha256();
    add(utf8.encode(`${at > 0 ? ',' : ''}${JSON.stringify(store.name)}:`), [all]);
    add(utf8.encode('['), [all, own]);
    let isFirst = true;
    for await (const { bytes } of store.spool.pieces()) {
      await watch.pause();
      if (!isFirst) add(COMMA, [all, own]);
      const joined = bytes.slice(0, bytes.length - 1);
      for (let index = joined.indexOf(10); index !== -1; index = joined.indexOf(10, index + 1)) joined[index] = 44;
      add(joined, [all, own]);
      isFirst = false;
    }
    add(utf8.encode(']'), [all, own]);
    sums[store.name] = `sha256:${own.hex()}`;
    at += 1;
  }
  add(utf8.encode('}'), [all]);
  return { sums, checksum: all.hex(), size };
}
