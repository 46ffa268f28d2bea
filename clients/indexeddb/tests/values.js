/*
 * Every kind of value and of key, through a file and back.
 */

import { capture, keptState, keptStates, keyFromBytes, keyToBytes, removeKeptState, restore } from '../index.js';
import { difference } from './checker.js';
import { Findings, ended, lines, newDatabase, openDatabase, records, schema } from './databases.js';

const shared = { name: 'shared' };
const cycle = { name: 'cycle', list: [] };
cycle.list.push(cycle, [cycle.list]);
const sparse = [1, , 3, , ,];
sparse.foo = 'bar';
sparse.length = 9;
const deep = (levels) => Array.from({ length: levels }).reduce((inner, _, at) => (at % 2 ? [inner] : { at: new Date(at), inner }), 'ground');
const deepMaps = (levels) => Array.from({ length: levels }).reduce((inner, _, at) => (at % 2 ? new Map([[inner, at]]) : new Set([inner])), 'ground');
const random = (size) => {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
};

/** A buffer whose views see parts of it, and one another. */
function views() {
  const buffer = random(64).buffer;
  return {
    own: buffer,
    part: new Uint8Array(buffer, 1, 3),
    words: new Int16Array(buffer, 2, 4),
    all: [Int8Array, Uint8ClampedArray, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]
      .map((View) => new View(buffer)),
    half: globalThis.Float16Array === undefined ? null : new Float16Array(buffer),
    data: new DataView(buffer, 3, 17),
    empty: new Uint8Array(0),
    slice: new Uint8Array([1, 2, 3, 4]).subarray(1, 2),
  };
}

function resizable() {
  const make = (size, max) => new ArrayBuffer(size, { maxByteLength: max });
  const [roomy, full, none] = [make(8, 64), make(8, 8), make(0, 32)];
  new Uint8Array(full).set([1, 2, 3, 4, 5, 6, 7, 8]);
  return {
    roomy, full, none,
    follows: new Uint8Array(roomy, 2), fixed: new Uint8Array(roomy, 2, 6), data: new DataView(roomy), dataFixed: new DataView(roomy, 0, 8),
    fullFollows: new Uint16Array(full, 2), fullFixed: new Uint16Array(full, 2, 3), last: new Uint8Array(full, 7), nothing: new Uint8Array(none),
  };
}

async function keysOfCryptography() {
  const usages = { 'AES-GCM': ['encrypt', 'decrypt'], HMAC: ['sign', 'verify'], ECDSA: ['sign', 'verify'], 'RSA-PSS': ['sign', 'verify'] };
  const aes = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, usages['AES-GCM']);
  const hmac = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, usages.HMAC);
  const curve = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, usages.ECDSA);
  const rsa = await crypto.subtle.generateKey(
    { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, usages['RSA-PSS'],
  );
  return { aes, hmac, private: curve.privateKey, public: curve.publicKey, rsa: rsa.privateKey };
}

function errors() {
  const inner = new TypeError('inner');
  const outer = new Error('outer', { cause: inner });
  const circular = new RangeError('circular');
  circular.cause = circular;
  const named = new Error('named');
  named.name = 'Custom';
  return [outer, new Error(), circular, named, new DOMException('not so', 'NotFoundError'), new EvalError('e'), new URIError('u'),
    new ReferenceError('r'), new SyntaxError('s')];
}

const prototypes = JSON.parse('{"__proto__": {"a": 1}, "toString": 2, "constructor": {"$": 3}}');

/** What is stored, by names. */
async function everything() {
  const text = new Blob(['h\u00e9llo'], { type: 'text/plain' });
  return {
    plain: { text: 'text', n: 1.5, yes: true, no: null, list: [1, 'two', { three: 3 }], '': 'empty name' },
    numbers: [0, -0, NaN, Infinity, -Infinity, 5e-324, 1e23, 2 ** 53, -1.7976931348623157e308, 0.1 + 0.2],
    nothing: { a: undefined, b: null, c: [undefined] },
    bigints: [0n, -1n, 2n ** 200n],
    texts: ['', '\0', '\ud83d', 'a\udc00b', '\u{1f600}', '\u2028', '"\\\n', '\u0001', '"$"', '\ufeff'],
    dates: [new Date(0), new Date(NaN), new Date(8.64e15), new Date(-8.64e15), new Date(-1), new Date(1.5)],
    patterns: [/a+/giu, /(?<y>\d{4})\/"/v, new RegExp('\n/', 'dgimsy')],
    boxed: [new Boolean(false), new Number(-0), new String('a\ud800'), Object(7n), new Number(NaN)],
    map: new Map([[shared, 1], ['key', shared], [NaN, undefined], [new Map([[1, new Set([2])]]), []]]),
    set: new Set([1, 'one', shared, shared, new Date(5)]),
    sharing: { one: shared, two: shared, map: new Map([[shared, shared]]), list: [shared] },
    cycle,
    sparse,
    longest: Object.assign([], { length: 2 ** 32 - 1 }),
    dollars: [{ $: 'date', value: 'not a date' }, { $ref: 1, $: { $: [] } }, { a: '$' }, '$'],
    order: { z: 1, 10: 2, a: 3, 9: 4, '-1': 5, 4294967295: 6 },
    prototypes,
    deep: deep(1500),
    deepMaps: deepMaps(1500),
    errors: errors(),
    views: views(),
    resizable: resizable(),
    long: random(2 * 1024 * 1024 + 5).buffer,
    longPart: random(1024 * 1024 + 200).subarray(7, 1024 * 1024 + 100),
    blobs: { text, again: text, empty: new Blob([]), long: new Blob([random(1024 * 1024 + 1)], { type: 'application/x-test;a=b' }) },
    files: [new File(['content'], 'a/b\u00e9.txt', { type: 'text/plain', lastModified: 0 }), new File([text], '', { lastModified: 1700000000123 })],
    image: new ImageData(new Uint8ClampedArray(random(4 * 3 * 2)), 3, 2),
    wide: new ImageData(2, 2, { colorSpace: 'display-p3' }),
    picture: new ImageData(600, 450),
    shapes: [new DOMRect(1, -2, 3.5, NaN), new DOMRectReadOnly(0, -0, 1, 1), new DOMPoint(1, 2, 3, 4), new DOMPointReadOnly(1), new DOMMatrix([1, 2, 3, 4, 5, 6]),
      new DOMMatrixReadOnly(Array.from({ length: 16 }, (_, at) => at + 0.5)), new DOMQuad({ x: 1 }, { y: 2 }, { z: 3 }, { w: 4 })],
    secrets: await keysOfCryptography(),
  };
}

const KEYS = [
  -Infinity, -1e300, -1.5, -5e-324, 0, 5e-324, 1, 2 ** 53, 1e300, Infinity,
  new Date(-8.64e15), new Date(-1), new Date(0), new Date(8.64e15),
  '', '\0', '\0\0', '\x01', '~', '\x7e', '\x7f', '\x80', 'a', 'a\0', 'aa', '\u407e', '\u407f', '\u4080', '\ud83d', '\u{1f600}', '\ue000', '\uff5e', '\uffff',
  new Uint8Array([]), new Uint8Array([0]), new Uint8Array([0, 0]), new Uint8Array([0, 1]), new Uint8Array([1]), new Uint8Array([255]), new Uint8Array([255, 0]),
  [], [[]], [-1], [0], [0, 0], [0, ''], ['a'], ['a', 'b'], ['a\0'], [new Uint8Array([0]), 1], [[1], 2], [[1, 2]], [new Date(5), 'x'],
];

/** What is in one store alone, for it is long. */
const LONG = new Set(['long', 'longPart', 'blobs', 'picture', 'secrets']);

/** Bytes of keys as they are for ever. */
const GOLDEN = [
  [1.5, '10bff8000000000000'],
  [-1.5, '104007ffffffffffff'],
  [new Date(0), '208000000000000000'],
  ['a\0\u00e9\uffff', '306201806ac0ffff00'],
  [new Uint8Array([0, 7]).buffer, '4000ff070000'],
  [['', []], '503000500000'],
];

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function checkKeys(findings) {
  const sorted = [...KEYS].sort((a, b) => indexedDB.cmp(a, b));
  for (let at = 0; at < sorted.length; at += 1) {
    const bytes = keyToBytes(sorted[at]);
    findings.holds(indexedDB.cmp(keyFromBytes(bytes), sorted[at]) === 0, `key ${at} does not come back`);
    if (at === 0) continue;
    const before = hex(keyToBytes(sorted[at - 1]));
    const order = indexedDB.cmp(sorted[at - 1], sorted[at]);
    findings.holds(order === 0 ? before === hex(bytes) : before < hex(bytes), `key ${at} is not in its order: ${before} ${hex(bytes)}`);
  }
  for (const [key, bytes] of GOLDEN) findings.same(hex(keyToBytes(key)), bytes, 'the bytes of a key');
  for (const wrong of [[], [0x10, 1], [0x30, 5], [0x99], [0x50], [0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0]]) {
    try {
      keyFromBytes(Uint8Array.from(wrong));
      findings.holds(false, `bytes of no key are taken: ${wrong}`);
    } catch (error) {
      findings.holds(error.code === 'damaged', `bytes of no key: ${error}`);
    }
  }
}

/** Text of values as it is for ever. */
const PINNED = {
  a: '{"store":"pinned","key":"a","value":{"plain":[1,"\\ud83d"],"at":{"$":"date","value":"1970-01-01T00:00:00.000Z"}}}',
  b: '{"store":"pinned","key":"b","value":{"$":"map","entries":[[{"$":"undefined"},{"$":"number","value":"-0"}]]}}',
  c: '{"store":"pinned","key":"c","value":[{},{"$":"ref","to":1},{"$":"bigint","value":"5"},{"$":"set","values":[]}]}',
  d: '{"store":"pinned","key":"d","value":{"$":"view","type":"Uint8Array","buffer":{"$":"buffer","bytes":"AQID"},"offset":1,"length":2}}',
  e: '{"store":"pinned","key":"e","value":{"$":"array","length":3,"properties":[["1",{"$":"regexp","source":"a\\"","flags":"g"}],["x",null]]}}',
  f: '{"store":"pinned","key":"f","value":{"$":"object","properties":[["$",{"$":"boxed","value":"s"}]]}}',
  g: '{"store":"pinned","key":"g","value":{"$":"blob","type":"t/x","size":3,"parts":["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"]}}',
};

function pinned() {
  const twice = {};
  return {
    a: { plain: [1, '\ud83d'], at: new Date(0) },
    b: new Map([[undefined, -0]]),
    c: [twice, twice, 5n, new Set()],
    d: new Uint8Array([1, 2, 3]).subarray(1),
    e: Object.assign([, /a"/g, ,], { x: null }),
    f: { $: new String('s') },
    g: new Blob(['abc'], { type: 't/x' }),
  };
}

async function compareAll(one, other, store, findings, how) {
  const [mine, theirs] = [await records(one, store), await records(other, store)];
  findings.same(theirs.length, mine.length, `${how}: records of ${store}`);
  for (const [at, [key, value]] of mine.entries()) {
    const found = theirs[at] === undefined ? 'is missing' : await difference([key, value], theirs[at]);
    findings.holds(found === null, `${how}: ${store} ${typeof key === 'string' ? key : at}: ${found}`);
  }
}

/** Runs them; gives what is wrong. */
export default async function run() {
  const findings = new Findings();
  checkKeys(findings);
  const values = await everything();
  const list = new DataTransfer();
  list.items.add(new File(['in a list'], 'list.txt'));
  const db = await newDatabase('values', (made) => {
    made.createObjectStore('pinned');
    made.createObjectStore('by key');
    made.createObjectStore('in line', { keyPath: 'name' });
    made.createObjectStore('lists of files');
    made.createObjectStore('keys');
    made.createObjectStore('compound', { keyPath: ['at.day', 'name.length'] }).createIndex('of both', ['at.day', 'tags'], { unique: true });
    const counted = made.createObjectStore('counted', { keyPath: 'deep.id', autoIncrement: true });
    counted.createIndex('tags \u00e9', 'tags', { multiEntry: true });
  }, undefined, 7);
  const stores = Array.from(db.objectStoreNames);
  const filling = db.transaction(stores, 'readwrite');
  for (const [name, value] of Object.entries(values)) {
    filling.objectStore('by key').put(value, name);
    if (!LONG.has(name)) filling.objectStore('in line').put({ name, value });
  }
  for (const [name, value] of Object.entries(pinned())) filling.objectStore('pinned').put(value, name);
  filling.objectStore('by key').put(undefined, 'undefined itself');
  filling.objectStore('lists of files').put({ list: list.files }, 1);
  filling.objectStore('keys').put('a long one', new Uint8Array(2 ** 20 + 1).fill(7));
  for (const key of KEYS) filling.objectStore('keys').put({ key }, key);
  filling.objectStore('compound').put({ at: { day: new Date(5) }, name: 'abc', tags: ['a'] });
  filling.objectStore('counted').put({ deep: { id: 40 }, tags: ['x', 'y', 'x'] });
  filling.objectStore('counted').add({ tags: 'solo' });
  filling.objectStore('counted').delete(41);
  await ended(filling);

  const captured = await capture(db);
  findings.same(captured.unportable, [], 'what cannot leave');
  const written = await lines(captured.file);
  for (const line of Object.values(PINNED)) findings.holds(written.includes(line), `it is not as it was pinned: ${line}\n${written.filter((each) => each.startsWith('{"store":"pinned"')).join('\n')}`);
  const restored = await restore('values copy', captured.file);
  findings.holds(restored.made, 'the copy was there already');
  const copy = await openDatabase('values copy');
  findings.same(schema(copy), schema(db), 'the schema');
  for (const store of stores) await compareAll(db, copy, store, findings, 'through a worker');
  const again = await capture(copy, { worker: false });
  for (const store of stores) findings.same(again.stores[store], captured.stores[store], `the hash of ${store}`);
  const added = copy.transaction('counted', 'readwrite');
  const next = added.objectStore('counted').add({ tags: [] });
  await ended(added);
  findings.same(next.result, 42, 'the number that the store goes on with');

  const kept = await capture('values', { to: 'opfs', name: 'kept.ndjson', compression: null });
  findings.same((await keptStates()).map(({ name, size }) => [name, size]), [['kept.ndjson', kept.size]], 'what is kept by the browser');
  const dry = await restore(db, await keptState('kept.ndjson'), { dryRun: true, worker: false });
  const all = { inserted: 0, updated: 0, deleted: 0, kept: 0, left: 0 };
  for (const store of stores) {
    const { same, ...others } = dry.stores[store];
    findings.same([same > 0, others], [true, all], `nothing differs in ${store}`);
  }
  await removeKeptState('kept.ndjson');
  findings.same(await keptStates(), [], 'what was forgotten');
  return findings;
}
