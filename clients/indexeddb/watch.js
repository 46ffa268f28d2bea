/*
 * Who watches a capture or a restore: hears how far it is, and may stop it.
 */

import { RowkeepError } from './errors.js';

const PROGRESS_EVERY_MS = 50;
/** How long the page is kept from answering at a time. */
const TURN_MS = 8;

/** Something that is watched; `progress` hears of it a few times a second, and of the first event of each phase and store. */
export class Watch {
  #onProgress;
  #signal;
  #last = 0;
  #place = '';
  #turnBegan = 0;
  /** Whether it runs on the main thread of a page, which must go on answering. */
  isPage;

  constructor({ onProgress, signal }, isPage = globalThis.document !== undefined) {
    this.#onProgress = onProgress;
    this.#signal = signal;
    this.isPage = isPage;
  }

  /** Fails where it is to stop. */
  check() {
    if (this.#signal?.aborted) throw new RowkeepError('aborted', 'it was stopped before it was done; nothing was changed', {}, this.#signal.reason);
  }

  /** Lets the page answer, where there is one and it has not for a while. A transaction that is open ends by it. */
  async pause() {
    if (!this.isPage || performance.now() - this.#turnBegan < TURN_MS) return;
    if (globalThis.scheduler?.yield !== undefined) await scheduler.yield();
    else await new Promise((resolve) => { setTimeout(resolve, 0); });
    this.#turnBegan = performance.now();
  }

  /** Says how far it is. */
  progress(event) {
    const place = `${event.phase} ${event.store ?? ''}`;
    const now = performance.now();
    if (place === this.#place && now - this.#last < PROGRESS_EVERY_MS) return;
    [this.#place, this.#last] = [place, now];
    this.#onProgress?.(event);
  }
}
