/*
 * Databases that are kept backed up while a page is open.
 */

import { keptState, keptStates, protect, removeKeptState, restore } from '../index.js';
import { Findings, ended, newDatabase } from './databases.js';

const LONG_AGO = JSON.stringify({ time: '2020-01-01T00:00:00.000Z', reason: 'scheduled' });
const PLACE = 'rowkeep-indexeddb app';

/** Events of a protection, which can be waited for. */
function watched() {
  const events = [];
  const waiting = new Set();
  const onEvent = (event) => {
    events.push(event);
    for (const look of waiting) look();
  };
  const until = (isSo) => new Promise((resolve) => {
    const look = () => {
      if (!isSo(events)) return;
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
  const of = (type) => events.filter((event) => event.type === type).map(({ reason }) => reason);
  return { events, onEvent, until, of };
}

async function forgetAll() {
  localStorage.clear();
  for (const { name } of await keptStates()) await removeKeptState(name);
}

/** Runs them; gives what is wrong. */
export default async function run() {
  const findings = new Findings();
  await forgetAll();
  const make = (made) => made.createObjectStore('s');
  const db = await newDatabase('app', make, (transaction) => transaction.objectStore('s').put('first', 1), 3);

  const first = watched();
  const protection = protect('app', { every: 'daily', onEvent: first.onEvent, keep: { newest: 3 } });
  await first.until(() => first.of('done').length === 1);
  findings.same([first.of('begun'), (await keptStates()).length], [['scheduled'], 1], 'the first backup comes at once');
  findings.holds(protection.last instanceof Date, 'when it was made is known');
  findings.holds(first.of('not-persistent').length <= 1, 'it is asked once whether the browser keeps the data');

  const done = await protection.around('import', async () => {
    const writing = db.transaction('s', 'readwrite');
    writing.objectStore('s').put('second', 1);
    await ended(writing);
    return 'imported';
  });
  findings.same([done, first.of('done')], ['imported', ['scheduled', 'before import', 'after import']], 'around something risky');
  try {
    await protection.around('mistake', () => { throw new TypeError('it failed'); });
    findings.holds(false, 'what failed is told');
  } catch (error) {
    findings.same([error.name, first.of('done').slice(-2)], ['TypeError', ['before mistake', 'after mistake']], 'around what fails');
  }
  findings.same((await keptStates()).length, 3, 'no more are kept than the rule says');

  findings.same(await protection.beforeUpgrade(3), null, 'no newer version');
  const before = await protection.beforeUpgrade(4);
  findings.same([before.databaseVersion, first.of('done').slice(-1)], [3, ['before version 4']], 'before an upgrade');
  const { stores } = await restore('app', await keptState(before.name), { dryRun: true });
  findings.same(stores.s.same, 1, 'what is kept can be restored');
  protection.stop();

  // Another visit on the same day does nothing by itself; after a long time it catches up, and of two pages only one.
  const again = watched();
  const later = protect('app', { every: 'daily', onEvent: again.onEvent });
  await later.backUp();
  findings.same(again.of('begun'), ['asked for'], 'nothing is due');
  later.stop();
  localStorage.setItem(PLACE, LONG_AGO);
  const both = watched();
  const pages = [1, 2].map(() => protect('app', { every: 'weekly', onEvent: both.onEvent }));
  await both.until(() => both.of('done').length > 0);
  await pages[1].backUp();
  findings.same(both.of('done'), ['scheduled', 'asked for'], 'one of two pages catches up');
  pages.forEach((page) => page.stop());

  // What a page left that was closed in the middle goes with the next backup; what another one writes stays.
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('rowkeep');
  for (const name of ['left', 'held']) await folder.getFileHandle(`${name}.partial`, { create: true });
  await navigator.locks.request('rowkeep-indexeddb writes held', () => pages[0].backUp());
  const partial = [];
  for await (const name of folder.keys()) if (name.endsWith('.partial')) partial.push(name);
  findings.same(partial, ['held.partial'], 'files that never became whole');
  await folder.removeEntry('held.partial');

  // By a function, and with a failure, which is tried again.
  const handed = [];
  const failing = watched();
  localStorage.setItem(PLACE, LONG_AGO);
  let isDown = true;
  const to = async ({ file, stores: taken }, reason) => {
    if (isDown) throw new Error('the server is down');
    handed.push([file.size > 0, taken.s.records, reason]);
  };
  const sending = protect('app', { every: 2000, to, onEvent: failing.onEvent, warnAt: 0 });
  await failing.until(() => failing.of('failed').length > 0);
  isDown = false;
  await failing.until(() => failing.of('done').length > 1);
  findings.same(handed[0], [true, 1, 'scheduled'], 'what a function is given');
  findings.holds(failing.of('space').length > 0, 'little space is told');
  await sending.stop();

  // Who waits for the end finds nothing under way.
  let isHandedOver = false;
  const slow = protect('app', {
    every: 'weekly',
    to: async () => {
      await new Promise((done) => { setTimeout(done, 300); });
      isHandedOver = true;
    },
  });
  slow.backUp();
  await slow.stop();
  findings.holds(isHandedOver, 'what is under way has ended');

  await findings.refuses('not-allowed', /no interval/, () => protect('app', { every: 'sometimes' }));
  await findings.refuses('no-such-database', /no database/, () => {
    const none = protect('there is none', { every: 'weekly' });
    none.stop();
    return none.backUp();
  });
  await forgetAll();
  return findings;
}
