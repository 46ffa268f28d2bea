/*
 * Pages that go in the middle of a restore: what is left is the state before or the state after, and nothing between.
 */

import { capture } from '../index.js';
import { Findings, newDatabase, openDatabase, records } from './databases.js';

const RECORDS = 1500;

function stores(made) {
  made.createObjectStore('one', { keyPath: 'id' });
  made.createObjectStore('two').createIndex('n', 'n', { unique: true });
}

const filled = (say, offset) => (transaction) => {
  for (let id = 0; id < RECORDS; id += 1) {
    transaction.objectStore('one').put({ id: id + offset, say, text: 'x'.repeat(200) });
    transaction.objectStore('two').put({ say, n: (id * 7) % RECORDS }, `key ${id + offset}`);
  }
  transaction.objectStore('two').put({ say, content: new Blob([say.repeat(1000)]) }, 'blob');
};

/** What a database says, if it says one thing. */
async function said(name) {
  const db = await openDatabase(name);
  const all = [...await records(db, 'one'), ...await records(db, 'two')];
  const found = [...new Set(all.map(([, { say }]) => say))];
  const blob = all.find(([key]) => key === 'blob')?.[1].content;
  const text = blob === undefined ? '' : (await blob.text()).slice(0, found[0]?.length);
  db.close();
  return found.length === 1 && all.length === 2 * RECORDS + 1 && text === found[0] ? found[0] : `${found.join('+')} in ${all.length} records`;
}

/** Has another page begin a restore, and be gone so long after that has begun to write, or has ended. Gives how long it took to end, if it did. */
async function interrupted(name, file, delayMs) {
  const frame = document.createElement('iframe');
  frame.src = '/tests/page.html';
  document.body.append(frame);
  await new Promise((resolve) => { frame.onload = resolve; });
  const script = frame.contentDocument.createElement('script');
  script.type = 'module';
  script.textContent = `
    import { restore } from '/index.js';
    restore(window.name, window.stateFile, { onProgress: ({ phase }) => window.parent.postMessage(phase) })
      .then(() => window.parent.postMessage('done'), (error) => window.parent.postMessage(String(error)));`;
  frame.contentWindow.name = name;
  frame.contentWindow.stateFile = file;
  let begun;
  const heard = new Promise((resolve, reject) => {
    const listener = ({ data }) => {
      if (data === 'restore') begun ??= performance.now();
      if (data === 'restore' && delayMs === Infinity) return;
      if (data === 'verify') return;
      removeEventListener('message', listener);
      if (data === 'restore' || data === 'done') resolve();
      else reject(new Error(data));
    };
    addEventListener('message', listener);
  });
  frame.contentDocument.body.append(script);
  await heard;
  const took = performance.now() - begun;
  if (delayMs < Infinity) await new Promise((resolve) => { setTimeout(resolve, delayMs); });
  frame.remove();
  return took;
}

/** Runs it some times; gives what is wrong, and how often which state was left. */
export default async function run(times = 4) {
  const findings = new Findings();
  const after = await newDatabase('after', stores, filled('after', 500));
  const { file } = await capture(after);
  const left = { before: 0, after: 0 };
  const again = async (delayMs) => {
    const before = await newDatabase('killed', stores, filled('before', 0));
    before.close();
    const took = await interrupted('killed', file, delayMs);
    const found = await said('killed');
    findings.holds(found === 'before' || found === 'after', `gone after ${delayMs} ms: ${found}`);
    left[found] = (left[found] ?? 0) + 1;
    return took;
  };
  const took = await again(Infinity);
  findings.same(left, { before: 0, after: 1 }, 'a page that stays');
  // The first goes at once, the others anywhere up to a little after the end.
  await again(0);
  for (let time = 2; time < times; time += 1) await again(Math.random() * took * 1.2);
  findings.left = left;
  findings.holds(left.before > 0, 'no restore was interrupted');
  return findings;
}
