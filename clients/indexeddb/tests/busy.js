/*
 * Captures while another tab writes: each is a state that there was.
 */

import { capture } from '../index.js';
import { Findings, ended, got, lines, newDatabase } from './databases.js';

const ACCOUNTS = 400;
const SUM = ACCOUNTS * 2 * 100;

/** Moves amounts between two stores until the page is gone: the writer's page calls it. */
export async function write() {
  const request = indexedDB.open('ledger');
  const db = await got(request);
  for (let step = 0; ; step += 1) {
    const transaction = db.transaction(['left', 'right', 'moves'], 'readwrite');
    const [from, to] = [transaction.objectStore('left'), transaction.objectStore('right')];
    const [id, amount] = [step % ACCOUNTS, 1 + (step % 7)];
    const [one, other] = await Promise.all([got(from.get(id)), got(to.get(ACCOUNTS - 1 - id))]);
    from.put({ ...one, amount: one.amount - amount });
    to.put({ ...other, amount: other.amount + amount });
    transaction.objectStore('moves').add({ amount });
    await ended(transaction);
  }
}

/** Captures some times beside a writer in a window of its own; gives what is wrong. */
export default async function run(times = 8) {
  const findings = new Findings();
  const db = await newDatabase('ledger', (made) => {
    made.createObjectStore('left', { keyPath: 'id' });
    made.createObjectStore('moves', { autoIncrement: true });
    made.createObjectStore('right', { keyPath: 'id' });
  }, (transaction) => {
    for (let id = 0; id < ACCOUNTS; id += 1) {
      transaction.objectStore('left').put({ id, amount: 100 });
      transaction.objectStore('right').put({ id, amount: 100 });
    }
  });
  const writer = open('/tests/writer.html');
  const moves = () => got(db.transaction('moves').objectStore('moves').count());
  while (await moves() < 5);
  const seen = new Set();
  for (let time = 0; time < times; time += 1) {
    const { file } = await capture(db, { worker: time % 2 === 0 });
    const [header, ...rest] = (await lines(file)).map((line) => JSON.parse(line));
    const of = (name) => rest.filter(({ store }) => store === name);
    const sum = (name) => of(name).reduce((all, { value }) => all + value.amount, 0);
    const moved = sum('moves');
    findings.same([sum('left') + sum('right'), sum('right') - ACCOUNTS * 100], [SUM, moved], 'the sums of a state');
    const { next } = header.stores.find(({ name }) => name === 'moves');
    findings.holds(next > of('moves').length, `the next number ${next} was given already`);
    seen.add(moved);
    const before = await moves();
    while (await moves() === before);
  }
  writer.close();
  findings.same(seen.size, times, 'how many states there were');
  db.close();
  return findings;
}
