/*
 * What a store of a transaction has, record by record, for comparison with what is to come.
 */

import { result } from './transaction.js';

const MOST_RECORDS = 500;
const MOST_ON_A_PAGE = 50;

/** Records in the order of their keys; with their values if these are wanted. */
export class ExistingRecords {
  #store;
  #withValues;
  #most;
  #keys = [];
  #values = [];
  #at = 0;
  #isEnded = false;

  constructor(store, { withValues, isPage }) {
    this.#store = store;
    this.#withValues = withValues;
    this.#most = isPage ? MOST_ON_A_PAGE : MOST_RECORDS;
  }

  /** The next record, which stays the next; nothing at the end. */
  async peek() {
    if (this.#at === this.#keys.length && !this.#isEnded) await this.#more();
    return this.#at < this.#keys.length ? { key: this.#keys[this.#at], value: this.#values[this.#at] } : undefined;
  }

  /** Goes on behind it. */
  pass() {
    this.#at += 1;
  }

  async #more() {
    const last = this.#keys[this.#keys.length - 1];
    const range = last === undefined ? null : IDBKeyRange.lowerBound(last, true);
    const keys = result(this.#store.getAllKeys(range, this.#most));
    const values = this.#withValues ? result(this.#store.getAll(range, this.#most)) : [];
    [this.#keys, this.#values] = await Promise.all([keys, values]);
    this.#at = 0;
    this.#isEnded = this.#keys.length === 0;
  }
}
