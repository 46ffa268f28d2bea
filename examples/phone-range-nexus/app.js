/*
 * The page of Phone Range Nexus, as far as backups are concerned. The module of rowkeep comes from the service.
 */

import * as data from './database.js';

const { service, numbers } = await (await fetch('settings.json')).json();
data.shrink(numbers);
const rowkeep = await import(`${service}/clients/indexeddb.js`);
const { capture, download, keptState, keptStates, merge, protect, removeKeptState, restore } = rowkeep;

const $ = (id) => document.getElementById(id);
const say = (text) => { $('said').textContent = text; };
const withoutFile = ({ file, ...captured }) => captured;

/** What of the service this browser knows: its token, the name of the device and whose database it is, which somebody typed here. */
const server = () => ({ url: service, database: data.DATABASE, ...JSON.parse(localStorage.getItem('service')) });

let protection;
const events = [];

window.app = {
  ...data,
  signIn: (token, device, database = data.DATABASE) => { localStorage.setItem('service', JSON.stringify({ token, device, database })); return null; },

  /** Saves a file in the downloads, and beside it its checksum, as `sha256sum -c` takes it. */
  async save(options) {
    const captured = await capture(data.DATABASE, options);
    download(captured);
    download({ file: new Blob([`${captured.sha256}  ${captured.name}\n`]), name: `${captured.name}.sha256` });
    return withoutFile(captured);
  },
  /** What is in the stores now, by their hashes; nothing is kept of it. */
  hashes: async (stores, name = data.DATABASE) => (await capture(name, { stores, to: new WritableStream() })).stores,
  send: (options) => capture(data.DATABASE, { ...options, to: { server: server() } }),
  merge: (options) => merge(data.DATABASE, { ...options, server: server() }),
  restore: (snapshot, options, name = data.DATABASE) => restore(name, { server: server(), snapshot }, options),
  restoreFile: (options, name = data.DATABASE) => restore(name, $('file').files[0], options),

  /** Protects the database from now on, with backups among the site's own files or in the service. */
  async protect({ toService = false, ...options }) {
    await protection?.stop();
    events.length = 0;
    protection = protect(data.DATABASE, {
      ...options, ...(toService ? { to: { server: server() } } : {}),
      onEvent: ({ type, reason, captured, error }) => events.push({ type, reason, snapshot: captured?.snapshot, error: error?.message }),
    });
    return null;
  },
  stop: async () => { await protection.stop(); return null; },
  events: () => events,
  bulk: (range) => protection.around(`reserving ${range}`, () => data.reserveRange(range)),
  async importRanges() {
    return protection.around('import of ranges', () => data.put('number_ranges', { id: 101, name: 'London 101', from: 100_001, to: 101_000, site: 'City' }));
  },
  async upgrade(version) {
    const captured = await protection.beforeUpgrade(version);
    (await data.open(version)).close();
    return captured && withoutFile(captured);
  },
  kept: async () => (await keptStates()).map(({ name, size }) => ({ name, size })),
  async forget() {
    for (const { name } of await keptStates()) await removeKeptState(name);
    return null;
  },
  restoreKept: async (name, options) => restore(data.DATABASE, await keptState(name), options),
};

/** What goes wrong is told to whoever uses the page, and to whoever called. */
const told = (work) => () => work().catch((error) => say(`${error.code ?? error.name}: ${error.message}`));

for (const store of data.STORE_NAMES) {
  const label = $('stores').appendChild(document.createElement('label'));
  const box = label.appendChild(document.createElement('input'));
  Object.assign(box, { type: 'checkbox', checked: true, value: store });
  label.append(` ${store}`);
}

$('export').onclick = told(async () => {
  const stores = [...$('stores').querySelectorAll('input:checked')].map(({ value }) => value);
  const { name, stores: captured } = await app.save({ stores, format: $('format').value, ...($('name').value && { name: $('name').value }) });
  say(`saved ${name} with ${Object.values(captured).reduce((sum, { records }) => sum + records, 0)} records`);
});

$('restore').onclick = told(async () => {
  const mode = $('mode').value;
  const would = await app.restoreFile({ mode, dryRun: true });
  const sum = (what) => Object.values(would.stores).reduce((all, counts) => all + counts[what], 0);
  if (!confirm(`${sum('inserted')} records come, ${sum('updated')} change, ${sum('deleted')} go. Restore?`)) return;
  await app.restoreFile({ mode });
  say('restored');
});

document.title = 'Phone Range Nexus: ready';
