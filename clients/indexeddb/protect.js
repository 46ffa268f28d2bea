/*
 * Keeps a database backed up while pages of its application are open.
 */

import { capture, download } from './calls.js';
import { RowkeepError } from './errors.js';
import { safeName } from './capture.js';
import { keptStates, removeKeptState } from './opfs.js';

const HOUR_MS = 3_600_000;
const INTERVALS_MS = { hourly: HOUR_MS, daily: 24 * HOUR_MS, weekly: 7 * 24 * HOUR_MS };
/** Timers wait no longer; who has to wait longer looks again then. */
const LONGEST_WAIT_MS = 12 * HOUR_MS;
/** After a failure it is tried again when so much of the interval has gone by. */
const RETRY_PART = 0.05;

const isServer = (to) => typeof to?.server === 'object';

/** Begins to protect a database; see `protect` in index.d.ts. */
export function protect(name, options = {}) {
  return new Protection(name, options);
}

/** A database that is protected until `stop()`, or until the page is gone. */
class Protection {
  #name;
  #options;
  #everyMs;
  #timer;
  #failedAt = -Infinity;
  #isStopped = false;
  #underWay = Promise.resolve();
  #look = () => { if (document.visibilityState === 'visible') this.#check(); };

  constructor(name, { every = 'daily', to = 'opfs', keep = { newest: 10 }, persist = true, warnAt = 0.8, onEvent = () => {}, capture: how = {} }) {
    this.#everyMs = INTERVALS_MS[every] ?? every;
    if (typeof this.#everyMs !== 'number' || !(this.#everyMs > 0)) {
      throw new RowkeepError('not-allowed', `every: ${every} is no interval: write 'hourly', 'daily', 'weekly', or milliseconds`);
    }
    if (to !== 'opfs' && to !== 'file' && typeof to !== 'function' && !isServer(to)) {
      throw new RowkeepError('not-allowed', "backups go to 'opfs', to 'file', to { server }, or to a function that takes them");
    }
    this.#name = name;
    this.#options = { to, keep, warnAt, onEvent, how };
    document.addEventListener('visibilitychange', this.#look);
    if (persist) this.#persist();
    // What was missed while no page was open is done now.
    this.#check();
  }

  /** When the last backup was made, by whatever page; nothing before the first. */
  get last() {
    const kept = localStorage.getItem(this.#place);
    return kept === null ? null : new Date(JSON.parse(kept).time);
  }

  /** Backs up now, whether it is due or not. */
  backUp(reason = 'asked for') {
    return this.#locked({}, () => this.#backUp(reason));
  }

  /**
   * Does something risky between two backups. Without the first it is not begun; that the second failed is told as an event. Gives what the
   * work gives.
   */
  async around(reason, work) {
    await this.backUp(`before ${reason}`);
    try {
      return await work();
    } finally {
      await this.backUp(`after ${reason}`).catch(() => {});
    }
  }

  /**
   * Backs up before the application opens the database as a newer version, if that is one. Gives nothing where there is no older one.
   */
  async beforeUpgrade(version) {
    const found = (await indexedDB.databases()).find(({ name }) => name === this.#name);
    if (found === undefined || found.version >= version) return null;
    return this.backUp(`before version ${version}`);
  }

  /** Ends the schedule. What is under way goes on to its end, which can be waited for. */
  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#look);
    return this.#underWay.then(() => undefined);
  }

  get #place() {
    return `rowkeep-indexeddb ${this.#name}`;
  }

  get #dueInMs() {
    const sinceFailure = performance.now() - this.#failedAt;
    const retryMs = this.#everyMs * RETRY_PART - sinceFailure;
    const sinceMs = this.last === null ? Infinity : Date.now() - this.last.getTime();
    // A backup of a time that is yet to come was made by a clock that was wrong.
    const dueMs = sinceMs < 0 ? 0 : this.#everyMs - sinceMs;
    return Math.max(0, dueMs, retryMs);
  }

  /** Backs up if it is due, unless another page does; waits for the next time. */
  async #check() {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    if (this.#dueInMs === 0) {
      // Meanwhile another page may have done it.
      const attempt = () => (this.#dueInMs === 0 ? this.#backUp('scheduled') : undefined);
      await this.#locked({ ifAvailable: true }, attempt).catch(() => {});
    }
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    const waitMs = Math.max(this.#dueInMs, this.#everyMs * RETRY_PART);
    this.#timer = setTimeout(() => this.#check(), Math.min(waitMs, LONGEST_WAIT_MS));
  }

  /** One backup of a database at a time, in whatever page. */
  #locked(how, work) {
    const done = navigator.locks.request(this.#place, how, (lock) => (lock === null ? undefined : work()));
    this.#underWay = Promise.allSettled([this.#underWay, done]);
    return done;
  }

  async #backUp(reason) {
    const { to, how, onEvent } = this.#options;
    onEvent({ type: 'begun', reason });
    try {
      const labels = isServer(to) ? { tags: { ...how.tags, reason } } : {};
      const captured = await capture(this.#name, { ...how, ...labels, to: to === 'opfs' || isServer(to) ? to : 'file' });
      if (to === 'file') download(captured);
      if (typeof to === 'function') await to(captured, reason);
      localStorage.setItem(this.#place, JSON.stringify({ time: captured.time, reason }));
      this.#failedAt = -Infinity;
      onEvent({ type: 'done', reason, captured });
      await this.#tidy(reason);
      return captured;
    } catch (error) {
      this.#failedAt = performance.now();
      onEvent({ type: 'failed', reason, error });
      throw error;
    }
  }

  /** What follows a backup, which is there whether this is done or not. */
  async #tidy(reason) {
    const { to, onEvent } = this.#options;
    try {
      if (to === 'opfs') await this.#forget();
      await this.#checkSpace();
    } catch (error) {
      onEvent({ type: 'not-tidied', reason, error });
    }
  }

  /** Removes what no rule keeps. */
  async #forget() {
    const { newest = 0, days = 0 } = this.#options.keep;
    if (newest === 0 && days === 0) return;
    const begin = `${safeName(this.#name)}-`;
    const own = (await keptStates()).filter(({ name }) => name.startsWith(begin) && /^\d{4}-\d\d-\d\dT/.test(name.slice(begin.length)));
    const since = new Date(Date.now() - days * 24 * HOUR_MS).toISOString();
    for (const { name, time } of own.reverse().slice(newest)) {
      if (days === 0 || time < since) await removeKeptState(name);
    }
  }

  async #checkSpace() {
    const { usage, quota } = await navigator.storage?.estimate?.() ?? {};
    if (usage >= quota * this.#options.warnAt) this.#options.onEvent({ type: 'space', usage, quota });
  }

  async #persist() {
    const isKept = await navigator.storage?.persisted?.() || await navigator.storage?.persist?.();
    if (isKept !== true) this.#options.onEvent({ type: 'not-persistent' });
  }
}
