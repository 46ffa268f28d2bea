/*
 * What two devices changed since they had the same state, brought together by a service.
 */

import { capture, restore } from './calls.js';
import { RowkeepError } from './errors.js';
import { remember } from './last-known.js';
import { Server } from './server.js';

/** How often it is begun again where somebody writes meanwhile. */
const TRIES = 5;
const NOTHING = { rows: 0, listed: [] };
const SIDES = { neither: 'neither', here: 'into', there: 'from' };

/** Sends the state of a database, and brings in what another device changed; see `merge` in index.d.ts. */
export async function merge(database, { server, from, prefer = 'neither', dryRun = false, ...how }) {
  if (typeof server?.device !== 'string') {
    throw new RowkeepError('not-allowed', 'say what this device is called (server.device), so that states of others are told from its own');
  }
  if (SIDES[prefer] === undefined) throw new RowkeepError('not-allowed', `prefer: ${prefer} is no side: write 'neither', 'here' or 'there'`);
  const there = new Server(server);
  for (let left = TRIES; left > 0; left -= 1) {
    const captured = await capture(database, { ...how, to: { server } });
    const before = captured.snapshot;
    const other = from === undefined ? await there.newestOfOthers() : await there.named(from);
    if (other === undefined) return { before, base: null, from: null, conflicts: NOTHING, snapshot: null, restored: null };
    const found = await there.merge({ from: other, into: before, prefer: SIDES[prefer], plan_only: dryRun });
    const merged = { before, base: found.base, from: found.from, conflicts: found.conflicts ?? NOTHING, snapshot: null, restored: null };
    if (!found.snapshot) return merged;
    const snapshot = found.snapshot.id;
    // It is here before the last look, so that little time passes after that.
    const file = await there.state(snapshot);
    if (!isSame(captured, await capture(database, { ...how, to: new WritableStream(), generators: false }))) continue;
    const restored = await restore(database, file, how);
    remember(typeof database === 'string' ? database : database.name, server, snapshot);
    return { ...merged, snapshot, restored };
  }
  throw new RowkeepError('busy', 'the database was written to each time while it was merged: nothing was changed here; merge while nobody writes');
}

/** Whether all stores are as they were. */
function isSame(one, other) {
  const sums = ({ stores }) => JSON.stringify(Object.entries(stores).map(([name, { sha256 }]) => [name, sha256]).sort());
  return sums(one) === sums(other);
}
