/** A record's value or key that cannot leave the browser, and where it is. */
export interface Unportable {
  store: string;
  /** The key of its record as text, where it is known. */
  key?: string;
  /** The properties that lead to it within the record, divided by dots. */
  path?: string;
  /** What it is: `CryptoKey`, `FileSystemFileHandle`, … */
  type: string;
  why: string;
}

/** How far a capture or a restore is; comes several times a second. */
export type Progress =
  | { phase: 'read'; store: string; records: number; total: number }
  | { phase: 'write'; store?: string; bytes?: number }
  | { phase: 'verify'; store?: string; records?: number; bytes?: number }
  | { phase: 'restore'; store: string; written: number };

/** What captures and restores have in common. */
export interface Common {
  onProgress?: (progress: Progress) => void;
  /** Stops it. A restore that is stopped has changed nothing. */
  signal?: AbortSignal;
  /**
   * Whether a worker does it, which opens the database by its name; default true. With false the page does it in short turns.
   * Say false for databases in storage buckets, which have no name outside of them.
   */
  worker?: boolean;
  /** Only these stores. */
  stores?: string[];
}

/** A database of a service of rowkeep, as its configuration calls it. Its pages have to be of a site that `[service] sites` names. */
export interface ServerDatabase {
  url: string;
  database: string;
  /** A token of the API for this database: of an operator to send states, of a restorer to have them back. */
  token: string;
  /** What the device is called that states are of. */
  device?: string;
}

export interface CaptureOptions extends Common {
  /** `ndjson` (default) has everything; `prn` is the JSON 4.0 of Phone Range Nexus, for stores whose keys are in their records. */
  format?: 'ndjson' | 'prn';
  /** Default `gzip`. */
  compression?: 'gzip' | null;
  /**
   * A file that the browser keeps for the page (default), the site's own files (OPFS), a stream, which is closed at the end, or a service: only what is
   * not there yet is sent.
   */
  to?: 'file' | 'opfs' | WritableStream<Uint8Array> | { server: ServerDatabase };
  /** The name of the file; default `DATABASE-TIME.ndjson.gz`, with the time in UTC. With `to: { server }` that of the snapshot; none by default. */
  name?: string;
  /** With `to: { server }`: labels of the snapshot. */
  tags?: Record<string, string>;
  /**
   * Lists of stores that have to be of one state; each list is read in a transaction of its own, and stores of no list in one more. Default: all in
   * one. Writers of a store wait until the transaction that reads it has ended.
   */
  together?: string[][];
  /**
   * Whether the numbers that key generators go on with are asked for, which takes a short transaction that writes and is taken back; default
   * true.
   */
  generators?: boolean;
}

export interface Captured {
  name: string;
  /** Bytes of the file, packed. */
  size: number;
  /** SHA-256 of the file, as `sha256sum` prints it; with `to: { server }` nothing, for there each piece has its own. */
  sha256?: string;
  time: string;
  database: string;
  databaseVersion: number;
  /** `sha256` is the same where a store is the same. */
  stores: Record<string, { records: number; sha256: string }>;
  /** What is not in the file but by its name. */
  unportable: Unportable[];
  /** With `to: 'file'`. */
  file?: Blob;
  /** With `to: { server }`: the snapshot that was made, and how many bytes of it were sent. */
  snapshot?: string;
  sent?: number;
}

export interface RestoreOptions extends Common {
  /**
   * `replace` (default): each store is as in the file afterwards. `update`: what differs is as in the file, what is missing comes, the rest stays. `merge`:
   * what is missing comes, everything else stays.
   */
  mode?: 'replace' | 'merge' | 'update';
  /** Changes nothing, and counts what would change. */
  dryRun?: boolean;
  /** What happens with records that hold something that could not leave the browser; default `refuse`. With `leave` they stay as they are here. */
  unportable?: 'refuse' | 'leave';
}

export interface RestoredStore {
  inserted: number;
  updated: number;
  deleted: number;
  /** Were as in the file already. */
  same: number;
  /** Stayed as they were although the file has them (`merge`). */
  kept: number;
  /** Hold in the file what could not leave its browser. */
  left: number;
}

export interface Restored {
  mode: 'replace' | 'merge' | 'update';
  dryRun: boolean;
  /** Whether the database was made. */
  made: boolean;
  /** When the state was read that was restored. */
  time?: string;
  stores: Record<string, RestoredStore>;
  /** What else there is to know: other indexes, checksums that prove nothing. */
  notes: string[];
}

export type Code =
  | 'aborted' | 'damaged' | 'database-closed' | 'failed' | 'main-thread' | 'newer-database' | 'newer-file' | 'no-place' | 'no-space'
  | 'no-such-database' | 'no-such-file' | 'no-server' | 'no-such-store' | 'not-a-state' | 'not-allowed' | 'schema-changed' | 'busy' | 'server' | 'store-differs' | 'unique' | 'unportable';

/** What went wrong. Nothing was changed in the database. */
export class RowkeepError extends Error {
  code: Code;
  details: { store?: string; key?: string; unportable?: Unportable[] };
}

/** Reads a database, which is open or named, in one consistent state into a file. */
export function capture(database: IDBDatabase | string, options?: CaptureOptions): Promise<Captured>;

/**
 * Restores a file into a database, which is open or named: all of it, or nothing. One that is named and does not exist is made as the file
 * says.
 */
export function restore(database: IDBDatabase | string, file: Blob | Response | { server: ServerDatabase; snapshot?: string }, options?: RestoreOptions): Promise<Restored>;

export interface MergeOptions extends Omit<Common, 'stores'> {
  server: ServerDatabase;
  /** The snapshot whose changes come; the newest of another device when not given. */
  from?: string;
  /**
   * What counts where both sides changed a record, or a property of it, since the last state that they had in common: `here`, `there`, or `neither` (default):
   * then nothing is changed where there are conflicts.
   */
  prefer?: 'neither' | 'here' | 'there';
  /** Changes nothing here, and says what would come of it. */
  dryRun?: boolean;
}

/** A record that both sides changed, in different ways. */
export interface Conflict {
  /** The store. */
  table: { name: string };
  /** What the record is found by. */
  key: Record<string, unknown>;
  /** The other side is the snapshot, this one the database. */
  kind: 'inserted_in_both' | 'changed_in_both' | 'deleted_in_database' | 'deleted_in_snapshot';
  /** Properties with two new values. */
  fields?: { column: string; base: unknown; database: unknown; snapshot: unknown }[];
}

export interface Merged {
  /** What was here before, as a snapshot. */
  before: string;
  /** The snapshot that both sides come from, and the one whose changes come; nothing where no other device has sent one. */
  base: string | null;
  from: string | null;
  /** How many records, and at most a thousand of them one by one. */
  conflicts: { rows: number; listed: Conflict[] };
  /** The state that came of it, which is here now; nothing where nothing came, where conflicts are undecided, and with `dryRun`. */
  snapshot: string | null;
  /** What was changed here. */
  restored: Restored | null;
}

/**
 * Sends the state of a database to a service, and brings in what another device changed since the last state that both had. Records are merged property by
 * property. Others go on with their own states, until they merge too. `restore(db, { server, snapshot: merged.before })` takes it back.
 */
export function merge(database: IDBDatabase | string, options: MergeOptions): Promise<Merged>;

/** Has the browser save a captured file under its name. */
export function download(captured: { file?: Blob; name: string }): void;

/** The states that `capture` with `to: 'opfs'` left with the site's own files, the oldest first. */
export function keptStates(): Promise<{ name: string; size: number; time: string }[]>;

/** One of them as a file. */
export function keptState(name: string): Promise<File>;

/** Forgets one of them. */
export function removeKeptState(name: string): Promise<void>;

/** What happens to a protected database. */
export type ProtectionEvent =
  | { type: 'begun'; reason: string }
  | { type: 'done'; reason: string; captured: Captured }
  /** A scheduled backup is tried again when a twentieth of the interval has gone by. */
  | { type: 'failed'; reason: string; error: RowkeepError | Error }
  /** The backup is made, and what follows it failed: old ones are still there, or nobody knows how much space is left. */
  | { type: 'not-tidied'; reason: string; error: Error }
  /** The site's files and databases take so much of what the browser gives it. */
  | { type: 'space'; usage: number; quota: number }
  /** The browser does not promise to keep the site's data when space runs short. */
  | { type: 'not-persistent' };

/** Snapshots that are made in a service have the tag `reason`. */
export interface ProtectOptions {
  /** How often, or after how many milliseconds; default `daily`. */
  every?: 'hourly' | 'daily' | 'weekly' | number;
  /** Backups stay with the site's own files (`opfs`, default), are saved as downloads, or go to a service or a function; one that fails makes the backup fail. */
  to?: 'opfs' | 'file' | { server: ServerDatabase } | ((captured: Captured, reason: string) => void | Promise<void>);
  /** Which backups stay with the site's own files: the newest so many, and those of so many days. What neither keeps goes; default `{ newest: 10 }`. */
  keep?: { newest?: number; days?: number };
  /** How backups are made. */
  capture?: Omit<CaptureOptions, 'to' | 'name' | 'signal'>;
  /** Whether the browser is asked to keep the site's data (`navigator.storage.persist()`); default true. */
  persist?: boolean;
  /** From which part of the space on there is a warning; default 0.8. */
  warnAt?: number;
  onEvent?: (event: ProtectionEvent) => void;
}

export interface Protection {
  /** When the last backup was made, by whatever page of the site. */
  readonly last: Date | null;
  /** Backs up now. */
  backUp(reason?: string): Promise<Captured>;
  /** Does something risky between two backups; it is not begun without the first. */
  around<T>(reason: string, work: () => T | Promise<T>): Promise<T>;
  /** Backs up before the application opens the database as a newer version; call it in front of `indexedDB.open`. */
  beforeUpgrade(version: number): Promise<Captured | null>;
  /** Ends the schedule; done when the backup that is under way, if there is one, has ended. */
  stop(): Promise<void>;
}

/**
 * Backs up a database while pages of its site are open: by a schedule, at once where it was missed, and around what the application says. Of
 * several open pages one does it.
 */
export function protect(name: string, options?: ProtectOptions): Protection;

/** Bytes of a key of IndexedDB, in the order of the keys. */
export function keyToBytes(key: IDBValidKey): Uint8Array;

/** The key of such bytes. */
export function keyFromBytes(bytes: Uint8Array): IDBValidKey;
