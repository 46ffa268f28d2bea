/*
 * Which snapshot of a service the state of a database here was, or came from, the last time: by that a service finds the last state that two
 * devices had in common.
 */

const placeOf = (name, { url, database }) => `rowkeep-indexeddb last ${JSON.stringify([name, url, database])}`;

/** Its id; nothing where none is known. */
export function lastKnown(name, server) {
  return globalThis.localStorage?.getItem(placeOf(name, server)) ?? undefined;
}

/** Remembers it. */
export function remember(name, server, snapshot) {
  globalThis.localStorage?.setItem(placeOf(name, server), snapshot);
}
