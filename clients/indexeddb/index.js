/*
 * Backs up and restores IndexedDB databases. What the functions take and give is in index.d.ts; what files hold is in FORMAT.md.
 */

export { capture, download, restore } from './calls.js';
export { RowkeepError } from './errors.js';
export { keyFromBytes, keyToBytes } from './keys.js';
export { merge } from './merge.js';
export { keptState, keptStates, removeKeptState } from './opfs.js';
export { protect } from './protect.js';
