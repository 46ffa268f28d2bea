/*
 * The database of Phone Range Nexus: 13 stores, made up records, what the application does with them, and its verification.
 */

export const DATABASE = 'prn';
export const STATUSES = ['available', 'assigned', 'reserved', 'aging', 'blocked', 'toll-free'];

/** How many records each store gets, and by which properties they are found. */
const STORES = {
  phone_numbers: { records: 100_000, keyPath: 'id', indexes: [['number', true], ['status'], ['range_name']] },
  number_ranges: { records: 100, keyPath: 'id', indexes: [['name', true]] },
  bulk_operations: { records: 200, keyPath: 'id' },
  audit_log: { records: 20_000, keyPath: 'id', indexes: [['timestamp']] },
  user_sessions: { records: 500, keyPath: 'id' },
  system_configurations: { records: 50, keyPath: 'key' },
  admin_sessions: { records: 50, keyPath: 'id' },
  security_events: { records: 3_000, keyPath: 'id' },
  uc_config_files: { records: 100, keyPath: 'id' },
  uc_config_history: { records: 500, keyPath: 'id' },
  uc_network_tests: { records: 400, keyPath: 'id' },
  uc_system_settings: { records: 50, keyPath: 'key' },
  uc_config_templates: { records: 50, keyPath: 'id' },
};
export const STORE_NAMES = Object.keys(STORES);
export const VERSION = 4;

const RANGES = STORES.number_ranges.records;

/** Makes fewer records. */
export function shrink(numbers) {
  STORES.phone_numbers.records = numbers;
  STORES.audit_log.records = numbers / 5;
}

const inRange = () => STORES.phone_numbers.records / RANGES;
const AT_ONCE = 5000;
const pad = (number, digits) => String(number).padStart(digits, '0');
const time = (minutes) => new Date(Date.UTC(2025, 0, 1) + minutes * 60_000).toISOString();
const rangeName = (number) => `London ${pad(number, 3)}`;
const isAssigned = (n) => STATUSES[n % 6] === 'assigned';

const MADE = {
  phone_numbers: (n) => ({
    id: `number-${pad(n, 6)}`,
    number: `+44 20 7${pad(n, 6)}`,
    range_name: rangeName(1 + Math.floor((n - 1) / inRange())),
    status: STATUSES[n % 6],
    carrier: ['Northern', 'Harbour', 'Metro'][n % 3],
    assigned_to: isAssigned(n) ? `user${pad(n % 500, 3)}@example.net` : '',
    cost: (n % 40) / 4,
    tags: n % 5 === 0 ? ['main line', 'München'] : [],
    updated_at: time(n),
  }),
  number_ranges: (n) => ({ id: n, name: rangeName(n), from: (n - 1) * inRange() + 1, to: n * inRange(), site: ['City', 'Harbour'][n % 2] }),
  bulk_operations: (n) => ({ id: `bulk-${pad(n, 4)}`, kind: 'import', records: n * 10, finished_at: time(n * 60) }),
  audit_log: (n) => ({
    id: `entry-${pad(n, 5)}`, timestamp: time(n), user: `admin${n % 4}`, action: 'update', table: 'phone_numbers', record_id: `number-${pad(1 + (n * 7) % STORES.phone_numbers.records, 6)}`,
    old_values: { status: 'available' }, new_values: { status: 'reserved' },
  }),
  user_sessions: (n) => ({ id: `session-${n}`, user: `user${pad(n % 500, 3)}@example.net`, token: pad((n * 7919) % 1e9, 9), expires: time(90_000 + n) }),
  admin_sessions: (n) => ({ id: `admin-session-${n}`, user: `admin${n % 4}`, token: pad((n * 6101) % 1e9, 9), expires: time(90_000 + n) }),
  security_events: (n) => ({ id: `event-${pad(n, 5)}`, kind: ['sign-in', 'refused', 'locked'][n % 3], at: time(n * 3), address: `192.0.2.${n % 250}` }),
  system_configurations: (n) => ({ key: `system.${pad(n, 2)}`, value: { enabled: n % 2 === 0, limit: n * 10 } }),
  uc_system_settings: (n) => ({ key: `uc.${pad(n, 2)}`, value: n * 5 }),
};
const madeUp = (name, n) => MADE[name]?.(n) ?? { id: `${name}-${pad(n, 4)}`, name: `${name} ${n}`, content: `line "${n}"\n`.repeat(5), at: time(n) };

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const ended = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onabort = () => reject(transaction.error);
});

/** Opens the database, which is made or brought to this version first; without a version, one that is there. Version 5 finds numbers by their carrier. */
export function open(version, name = DATABASE) {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (version === undefined) {
      request.transaction.abort();
      return;
    }
    for (const [store, { keyPath, indexes = [] }] of Object.entries(STORES)) {
      if (oldVersion > 0) break;
      const made = request.result.createObjectStore(store, { keyPath });
      for (const [index, unique = false] of indexes) made.createIndex(index, index, { unique });
    }
    if (version > 4) request.transaction.objectStore('phone_numbers').createIndex('carrier', 'carrier');
  };
  return done(request);
}

/** Does something with the open database, which is closed afterwards, so that nobody has to wait for it. */
export async function withDatabase(work, name = DATABASE) {
  const database = await open(undefined, name);
  try {
    return await work(database);
  } finally {
    database.close();
  }
}

/** Fills all stores, the same each time. */
export async function generate() {
  const database = await open(VERSION);
  for (const [name, { records }] of Object.entries(STORES)) {
    for (let from = 1; from <= records; from += AT_ONCE) {
      const transaction = database.transaction(name, 'readwrite', { durability: 'relaxed' });
      const store = transaction.objectStore(name);
      for (let n = from; n < from + AT_ONCE && n <= records; n += 1) store.add(madeUp(name, n));
      await ended(transaction);
    }
  }
  database.close();
  return Object.values(STORES).reduce((sum, { records }) => sum + records, 0);
}

/** Changes numbers, and writes into the audit log what it did, both or neither. Entries are called so that no two devices call theirs alike. */
export const change = (ids, values, user = 'admin0') => withDatabase(async (database) => {
  const transaction = database.transaction(['phone_numbers', 'audit_log'], 'readwrite');
  const [numbers, log] = [transaction.objectStore('phone_numbers'), transaction.objectStore('audit_log')];
  const timestamp = new Date().toISOString();
  for (const id of ids) {
    const found = await done(numbers.get(id));
    // All that changes is logged, so that the log can be replayed.
    const became = { ...values, updated_at: timestamp };
    const before = Object.fromEntries(Object.keys(became).map((name) => [name, found[name]]));
    numbers.put({ ...found, ...became });
    log.add({ id: crypto.randomUUID(), timestamp, user, action: 'update', table: 'phone_numbers', record_id: id, old_values: before, new_values: became });
  }
  await ended(transaction);
  return ids.length;
});

/** Adds a number, or removes the one that is there, and writes that into the audit log. */
export const toggle = (record, user = 'admin0') => withDatabase(async (database) => {
  const transaction = database.transaction(['phone_numbers', 'audit_log'], 'readwrite');
  const [numbers, log] = [transaction.objectStore('phone_numbers'), transaction.objectStore('audit_log')];
  const found = await done(numbers.get(record.id));
  const entry = { id: crypto.randomUUID(), timestamp: new Date().toISOString(), user };
  const about = { table: 'phone_numbers', record_id: record.id };
  if (found) {
    numbers.delete(record.id);
    log.add({ ...entry, action: 'delete', ...about, old_values: found });
  } else {
    numbers.add(record);
    log.add({ ...entry, action: 'create', ...about, new_values: record });
  }
  await ended(transaction);
  return found ? 'removed' : 'added';
});

/** Reserves whatever of a range is available: a bulk operation. */
export const reserveRange = async (range) => {
  const ids = await withDatabase(async (database) => {
    const found = await done(database.transaction('phone_numbers').objectStore('phone_numbers').index('range_name').getAll(range));
    return found.filter(({ status }) => status === 'available').map(({ id }) => id);
  });
  await change(ids, { status: 'reserved' });
  await put('bulk_operations', { id: `bulk-${range}`, kind: 'reserve', records: ids.length, finished_at: new Date().toISOString() });
  return ids.length;
};

export const get = (store, key) => withDatabase((database) => done(database.transaction(store).objectStore(store).get(key)));

export const put = (store, record) => withDatabase(async (database) => {
  const transaction = database.transaction(store, 'readwrite');
  transaction.objectStore(store).put(record);
  await ended(transaction);
});

/** Removes records, as accidents do: all of some stores, or those of one from a key to another. */
export const lose = (stores, from, to) => withDatabase(async (database) => {
  const transaction = database.transaction(stores, 'readwrite');
  for (const store of stores) transaction.objectStore(store).delete(from === undefined ? IDBKeyRange.lowerBound(-Infinity) : IDBKeyRange.bound(from, to));
  await ended(transaction);
});

export const removeDatabase = (name = DATABASE) => done(indexedDB.deleteDatabase(name)).then(() => null);

/**
 * The application's verification: records in each store, numbers without one of the six states, numbers of ranges that are not there, and
 * how long a look at each index takes.
 */
export const verify = (name = DATABASE) => withDatabase(async (database) => {
  const transaction = database.transaction(STORE_NAMES);
  const store = (of) => transaction.objectStore(of);
  const counts = {};
  for (const of of STORE_NAMES) counts[of] = await done(store(of).count());
  const statuses = {};
  for (const status of STATUSES) statuses[status] = await done(store('phone_numbers').index('status').count(status));
  const allowed = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  const ranges = (await done(store('number_ranges').getAll())).map((range) => range.name);
  let inRanges = 0;
  for (const range of ranges) inRanges += await done(store('phone_numbers').index('range_name').count(range));
  const began = performance.now();
  await done(store('phone_numbers').index('number').getAll(null, 10));
  await done(store('audit_log').index('timestamp').getAll(null, 10));
  const ms = performance.now() - began;
  const [invalid, orphans] = [counts.phone_numbers - allowed, counts.phone_numbers - inRanges];
  return { passed: invalid === 0 && orphans === 0 && ms < 1000, version: database.version, counts, statuses, invalid, orphans, indexes: ms < 1000 };
}, name);
