CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    -- What must not have two jobs at once: a database by its name, or nothing.
    database TEXT,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Who asked for it, and the time for which a schedule wanted it.
    asked_by TEXT NOT NULL,
    scheduled INTEGER,
    created INTEGER NOT NULL,
    due INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0,
    -- How often it failed and is to be begun again.
    failures INTEGER NOT NULL DEFAULT 0,
    stop_wanted INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    error TEXT,
    -- Of whom, and under which name, a request came that may be repeated; and its body's hash.
    idempotency_key TEXT,
    idempotency_hash BLOB,
    UNIQUE (asked_by, idempotency_key)
) STRICT;

CREATE INDEX jobs_by_state ON jobs (state, due);
CREATE INDEX jobs_by_database ON jobs (database, number);

-- Until which time a schedule was looked at.
CREATE TABLE marks (
    work TEXT NOT NULL,
    database TEXT NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (work, database)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- A list of names as JSON; nothing for all databases.
    databases TEXT,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    who TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    outcome TEXT NOT NULL,
    -- The hash of all of that and of the entry before.
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    -- The Argon2id hash in its usual form.
    password TEXT NOT NULL,
    must_change INTEGER NOT NULL,
    role TEXT NOT NULL,
    -- A list of names as JSON; nothing for all databases.
    databases TEXT,
    -- Secrets of second factors, sealed with the key beside the state: the one that counts, one that is to be confirmed.
    second_factor BLOB,
    begun_factor BLOB,
    -- The last step of which a code was used.
    last_step INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    last_seen INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user);
