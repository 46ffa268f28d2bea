/*
 * What restores do to what is there, what they refuse, and the files of others.
 */

import { capture, restore } from '../index.js';
import { Findings, ended, got, lines, newDatabase, records } from './databases.js';

const NONE = { inserted: 0, updated: 0, deleted: 0, same: 0, kept: 0, left: 0 };

function stores(made) {
  made.createObjectStore('people', { keyPath: 'id' }).createIndex('email', 'email', { unique: true });
  made.createObjectStore('notes');
  made.createObjectStore('log', { keyPath: 'n', autoIncrement: true });
}

const then = (transaction) => {
  for (const [id, email] of [[1, 'a'], [2, 'b'], [3, 'c'], [5, 'e']]) transaction.objectStore('people').put({ id, email });
  transaction.objectStore('notes').put(new Blob(['one']), 'same');
  transaction.objectStore('notes').put(new Blob(['two']), 'other');
  for (let n = 1; n <= 3; n += 1) transaction.objectStore('log').put({ n, said: `entry ${n}` });
};

/** The same some time later: two have each other's address, one is gone, two are new. */
const now = (transaction) => {
  for (const [id, email] of [[1, 'b'], [2, 'a'], [3, 'c'], [4, 'd'], [6, 'f']]) transaction.objectStore('people').put({ id, email });
  transaction.objectStore('notes').put(new Blob(['one']), 'same');
  transaction.objectStore('notes').put(new Blob(['TWO']), 'other');
  transaction.objectStore('log').put({ n: 9, said: 'entry 9' });
};

const people = async (db) => (await records(db, 'people')).map(([id, { email }]) => `${id}${email}`).join(' ');
const notes = async (db) => Promise.all((await records(db, 'notes')).map(async ([key, blob]) => `${key} ${await blob.text()}`));

async function checkModes(findings, file) {
  const expected = {
    replace: [{ ...NONE, inserted: 1, updated: 2, deleted: 2, same: 1 }, '1a 2b 3c 5e', ['other two', 'same one'], '1 2 3'],
    update: [{ ...NONE, inserted: 1, updated: 2, same: 1 }, '1a 2b 3c 4d 5e 6f', ['other two', 'same one'], '1 2 3 9'],
    merge: [{ ...NONE, inserted: 1, kept: 3 }, '1b 2a 3c 4d 5e 6f', ['other TWO', 'same one'], '1 2 3 9'],
  };
  for (const [mode, [counts, left, texts, log]] of Object.entries(expected)) {
    for (const worker of [true, false]) {
      const db = await newDatabase('modes', stores, now);
      const before = await people(db);
      const dry = await restore(db, file, { mode, dryRun: true, worker });
      findings.same([dry.stores.people, dry.made, await people(db)], [counts, false, before], `${mode}, tried`);
      const events = [];
      const done = await restore(db, file, { mode, worker, onProgress: (event) => events.push(event.phase) });
      findings.same(done.stores, dry.stores, `${mode}: what was done, and what was tried`);
      findings.same(await people(db), left, `${mode}: people`);
      findings.same(await notes(db), texts, `${mode}: notes`);
      findings.same((await records(db, 'log')).map(([n]) => n).join(' '), log, `${mode}: log`);
      findings.holds(events.includes('verify') && events.includes('restore'), `${mode}: progress ${events}`);
    }
  }
  const db = await newDatabase('modes', stores, now);
  const part = await restore(db, file, { stores: ['log'] });
  findings.same([Object.keys(part.stores), await people(db)], [['log'], '1b 2a 3c 4d 6f'], 'one store alone');
}

const changed = (file, change) => file.arrayBuffer().then((bytes) => {
  const copy = new Uint8Array(bytes).slice();
  return new Blob([change(copy)]);
});
const edited = (text) => new Blob([text]);

async function checkRefusals(findings, file) {
  const db = await newDatabase('modes', stores, now);
  const plain = (await capture(db, { compression: null, worker: false })).file;
  const before = JSON.stringify([await people(db), await notes(db)]);
  const text = await plain.text();
  const refused = async (code, words, blob, options = {}) => {
    await findings.refuses(code, words, () => restore(db, blob, options));
    findings.same(JSON.stringify([await people(db), await notes(db)]), before, `${code}: something was changed`);
  };
  await refused('newer-file', /version 2 .*newer version/s, edited(text.replace('"version":1', '"version":2')));
  await refused('newer-file', /version 5\.1/, edited('{"metadata":{"version":"5.1","type":"full_backup"},"data":{}}'));
  await refused('not-a-state', /rowkeep import/, edited('{"metadata":{"type":"incremental_backup"},"changes":{}}'));
  await refused('not-a-state', /neither/, edited('{"some":"thing"}'));
  await refused('not-a-state', /empty/, edited(''));
  await refused('damaged', /no whole JSON/, edited('what is this'));
  await refused('damaged', /cut off/, edited(text.slice(0, text.lastIndexOf('{"complete"'))));
  await refused('damaged', /cut off|no JSON/, edited(text.slice(0, text.length / 2)));
  await refused('damaged', /are not as they were written/, edited(text.replace('"email":"c"', '"email":"x"')));
  await refused('damaged', /part of a content/, edited(text.replace('"bytes":"b25l"', '"bytes":"b25m"')));
  await refused('damaged', /follows its end/, edited(`${text}{}\n`));
  await refused('damaged', /damaged/, await changed(file, (bytes) => bytes.subarray(0, bytes.length - 20)));
  await refused('damaged', /damaged|UTF-8/, await changed(file, (bytes) => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1] ^ 0x55)));
  await refused('no-such-store', /file has no store nothing/, plain, { stores: ['nothing'] });
  await refused('not-allowed', /no mode/, plain, { mode: 'mix' });
  await findings.refuses('no-such-database', /no database/, () => capture('there is none'));
  await findings.refuses('no-such-store', /no store x/, () => capture(db, { stores: ['x'] }));
  await findings.refuses('no-place', /keys beside records/, () => capture(db, { format: 'prn' }));
  await findings.refuses('aborted', /stopped/, () => capture(db, { signal: AbortSignal.abort() }));
  await findings.refuses('aborted', /stopped/, () => restore(db, plain, { signal: AbortSignal.abort(), worker: false }));
  await findings.refuses('unique', /record 5 of the store people .*index allows once/s, async () => {
    const other = await newDatabase('modes', stores, (transaction) => transaction.objectStore('people').put({ id: 7, email: 'e' }));
    await restore(other, file, { mode: 'update' });
  });

  const older = await newDatabase('modes', (made) => made.createObjectStore('notes'));
  await findings.refuses('no-such-store', /application has no store log/, () => restore(older, file));
  await restore(older, file, { stores: ['notes'] });
  findings.same((await notes(older)).length, 2, 'the store that is there');
  const otherwise = await newDatabase('modes', (made) => made.createObjectStore('people', { keyPath: 'email' }));
  await findings.refuses('store-differs', /by id in the file and by email here/, () => restore(otherwise, file, { stores: ['people'] }));
}

async function checkUnportable(findings) {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt']);
  const make = (made) => made.createObjectStore('keys', { keyPath: 'id' });
  const db = await newDatabase('keys', make, (transaction) => {
    transaction.objectStore('keys').put({ id: 1, inner: [{ key }] });
    transaction.objectStore('keys').put({ id: 2 });
    transaction.objectStore('keys').put({ id: 3, key });
  });
  const captured = await capture(db);
  findings.same(captured.unportable.map(({ store, key: of, path, type }) => [store, of, path, type]),
    [['keys', '1', 'inner.0.key', 'CryptoKey'], ['keys', '3', 'key', 'CryptoKey']], 'what cannot leave is named');
  const writing = db.transaction('keys', 'readwrite');
  writing.objectStore('keys').delete(3);
  writing.objectStore('keys').put({ id: 2, changed: true });
  writing.objectStore('keys').put({ id: 4 });
  await ended(writing);
  await findings.refuses('unportable', /2 values .*CryptoKey/, () => restore(db, captured.file));
  const { stores: { keys } } = await restore(db, captured.file, { unportable: 'leave' });
  const left = await records(db, 'keys');
  findings.same(keys, { ...NONE, updated: 1, deleted: 1, left: 2 }, 'what was left');
  findings.same(left.map(([id, { inner }]) => [id, inner?.[0].key instanceof CryptoKey]), [[1, true], [2, false]], 'a key that is still there stays');
  const asPrn = await capture(db, { format: 'prn' });
  await findings.refuses('unportable', /CryptoKey/, () => restore(db, asPrn.file));
  const again = await restore(db, asPrn.file, { unportable: 'leave' });
  findings.same(again.stores.keys, { ...NONE, same: 1, left: 1 }, 'what was left of the other form');
}

async function checkPrn(findings) {
  const make = (made) => {
    made.createObjectStore('phone_numbers', { keyPath: 'id' }).createIndex('status', 'status');
    made.createObjectStore('audit_log', { keyPath: 'id', autoIncrement: true });
    made.createObjectStore('user_sessions', { keyPath: 'id' });
  };
  const db = await newDatabase('prn', make, (transaction) => {
    for (let id = 1; id <= 500; id += 1) transaction.objectStore('phone_numbers').put({ id: `n${id}`, status: 'available', note: 'a "b"\n \u00e9' });
    transaction.objectStore('audit_log').add({ at: new Date(5), what: [1, , 3] });
    transaction.objectStore('audit_log').add({ at: 'a time' });
  }, 4);
  const captured = await capture(db, { format: 'prn' });
  const text = (await lines(captured.file)).join('\n');
  const file = JSON.parse(text);
  const sum = async (value) => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(value))));
    return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  };
  findings.same([file.metadata.version, file.metadata.type, file.metadata.record_count, file.schema.version, file.schema.tables, file.metadata.size_bytes],
    ['4.0', 'full_backup', 502, 4, ['audit_log', 'phone_numbers', 'user_sessions'], new TextEncoder().encode(JSON.stringify(file.data)).length], 'what it says');
  findings.same(file.metadata.checksum, await sum(file.data), 'the checksum of all');
  for (const [name, rows] of Object.entries(file.data)) findings.same(file.integrity.table_checksums[name], await sum(rows), `the checksum of ${name}`);
  findings.same(file.data.phone_numbers[0], { id: 'n1', status: 'available', note: 'a "b"\n \u00e9' }, 'a record');
  const copied = await restore('prn copy', captured.file);
  findings.same([copied.made, copied.stores.audit_log.inserted, copied.notes], [true, 2, []], 'into a new database');
  const again = await restore(db, captured.file, { dryRun: true });
  findings.same(again.stores.phone_numbers, { ...NONE, same: 500 }, 'nothing differs');
  delete file.schema.stores;
  file.metadata.program = 'rowkeep 1.0.0';
  const exported = await restore(db, edited(JSON.stringify(file)), { dryRun: true });
  findings.same(exported.stores.audit_log, { ...NONE, same: 2 }, 'what rowkeep exports has the same forms');
  await findings.refuses('damaged', /audit_log are not as they were written/, () => restore(db, edited(text.replace('"a time"', '"b time"'))));
  await findings.refuses('damaged', /says that it has 502 records, and has 501/, () => restore(db, edited(text.replace('{"id":"n1","status":"available","note":"a \\"b\\"\\n \u00e9"},', ''))));

  const theirs = {
    data: { phone_numbers: [{ id: 'n2', status: 'aging', note: '  spaced  ' }, { id: 'n10', status: 'blocked', $: 'kept' }], user_sessions: [] },
    metadata: { version: '4.0', timestamp: '2025-02-02T12:00:00.000Z', type: 'full_backup', checksum: 'sha256:abc123', record_count: 2 },
    integrity: { table_checksums: { phone_numbers: 'sha256:def456' } },
  };
  const other = await restore(db, edited(JSON.stringify(theirs, null, 2)), { mode: 'replace' });
  findings.same(other.stores, { phone_numbers: { ...NONE, updated: 2, deleted: 498 }, user_sessions: NONE }, 'the file of another program');
  findings.same((await records(db, 'phone_numbers')).map(([, value]) => value), [theirs.data.phone_numbers[1], theirs.data.phone_numbers[0]], 'its records');
  findings.holds(other.notes.some((note) => /proves nothing/.test(note)), `its checksums: ${other.notes}`);
  await findings.refuses('no-such-database', /open the application once/, () => restore('no such', edited(JSON.stringify(theirs))));
  theirs.data.phone_numbers.push({ id: 'n2' });
  theirs.metadata.record_count = 3;
  await findings.refuses('damaged', /two records .*one key/, () => restore(db, edited(JSON.stringify(theirs))));
}

/** A part of the browser's space that is smaller than what a file needs: databases pack what they keep, so it is random. */
async function checkSpace(findings) {
  const make = (made) => made.createObjectStore('s', { keyPath: 'id' });
  const large = await newDatabase('large', make, (transaction) => {
    for (let id = 0; id < 60; id += 1) transaction.objectStore('s').put({ id, bytes: crypto.getRandomValues(new Uint8Array(65_536)) });
  });
  const { file } = await capture(large);
  const bucket = await navigator.storageBuckets.open('small', { quota: 1_000_000 });
  const request = bucket.indexedDB.open('in a bucket');
  request.onupgradeneeded = () => make(request.result).put({ id: 1, text: 'what was there' });
  const db = await got(request);
  await findings.refuses('no-space', /no space left.*nothing was changed/s, () => restore(db, file));
  findings.same(await records(db, 's'), [[1, { id: 1, text: 'what was there' }]], 'what there was no space for');
  const { stores: found } = await capture(db);
  findings.same(found.s.records, 1, 'a database in a bucket is captured');
  db.close();
  await navigator.storageBuckets.delete('small');
}

async function checkStreams(findings, file) {
  const db = await newDatabase('modes', stores, then);
  const chunks = [];
  const sink = () => new WritableStream({ write: (chunk) => { chunks.push(chunk); } });
  for (const worker of [true, false]) {
    chunks.length = 0;
    const streamed = await capture(db, { to: sink(), worker });
    findings.same([streamed.size, streamed.file], [new Blob(chunks).size, undefined], 'a stream has all of it');
    const { stores: counts } = await restore(db, new Blob(chunks), { dryRun: true });
    findings.same(counts.people, { ...NONE, same: 4 }, 'what went through a stream');
  }
  const broken = new WritableStream({ write: () => { throw new Error('the stream broke'); } });
  await findings.refuses('failed', /broke/, () => capture(db, { to: broken, worker: false }));
  const sets = await capture(db, { together: [['people', 'notes'], ['log']], generators: false });
  findings.same(Object.keys(sets.stores), ['log', 'notes', 'people'], 'stores in two transactions');
  findings.holds((await file.slice(0, 2).arrayBuffer()).byteLength === 2, 'the file is still there');
}

/** Runs them; gives what is wrong. */
export default async function run() {
  const findings = new Findings();
  const db = await newDatabase('modes', stores, then);
  const { file } = await capture(db);
  await checkModes(findings, file);
  await checkRefusals(findings, file);
  await checkUnportable(findings);
  await checkPrn(findings);
  await checkSpace(findings);
  await checkStreams(findings, file);
  return findings;
}
