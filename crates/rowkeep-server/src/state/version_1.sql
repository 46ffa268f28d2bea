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
    -- What was told of it: 0 for nothing, 1 that it began, 2 how it ended.
    told INTEGER NOT NULL DEFAULT 0,
    UNIQUE (asked_by, idempotency_key)
) STRICT;

CREATE INDEX jobs_by_state ON jobs (state, due);
CREATE INDEX jobs_by_database ON jobs (database, number);
CREATE INDEX jobs_by_kind ON jobs (kind, database, ended);
CREATE INDEX jobs_untold ON jobs (number) WHERE told < 2;

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
    name TEXT NOT NULL,
    -- The Argon2id hash in its usual form, or ! where there is none.
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
    last_seen INTEGER,
    -- The provider with which he signs in, and by what it knows him; then there is no password.
    issuer TEXT,
    subject TEXT,
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

-- Whatever letters somebody writes large.
CREATE UNIQUE INDEX users_by_name ON users (lower(name));

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

-- What is or was wrong: a kind of it with an object is open once at most.
CREATE TABLE incidents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    -- The database that it is about, if it is about one.
    database TEXT,
    severity TEXT NOT NULL,
    words TEXT NOT NULL,
    opened INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    cleared INTEGER
) STRICT;

CREATE UNIQUE INDEX incidents_open ON incidents (kind, object) WHERE cleared IS NULL;

-- What is to be sent, and what was. Within a thread of a channel, one after the other.
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    message TEXT NOT NULL,
    created INTEGER NOT NULL,
    due INTEGER NOT NULL,
    -- Whether quiet hours hold it back.
    held INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it was delivered, or given up.
    ended INTEGER
) STRICT;

CREATE INDEX deliveries_due ON deliveries (due, number) WHERE ended IS NULL;
CREATE INDEX deliveries_by_thread ON deliveries (channel, thread, number);

CREATE TABLE channels (
    name TEXT PRIMARY KEY,
    delivered INTEGER,
    failed INTEGER,
    error TEXT,
    -- How often it failed since something was delivered.
    failures INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The state that is in the repository: its last entry of the audit, and when it was taken.
CREATE TABLE kept (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    time INTEGER NOT NULL
) STRICT;

-- When the service ran: from when on, and until when that is known.
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    began INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;

CREATE INDEX runs_by_time ON runs (seen);

-- How many bytes the repository held at times.
CREATE TABLE storage (
    time INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT;

-- Tells the key beside the state from others; nobody learns it from that.
CREATE TABLE key_mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    mark BLOB NOT NULL
) STRICT;

-- What people changed on pages, beside rowkeep.toml: of each subject (repository, databases.shop) a piece of TOML, sealed with the key
-- beside the state, for passwords are in it.
CREATE TABLE additions (
    subject TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    who TEXT NOT NULL,
    time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
