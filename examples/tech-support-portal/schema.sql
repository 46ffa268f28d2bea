-- The portal's schema, as its migrations leave it in D1: one statement a paragraph.
CREATE TABLE clients (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
);

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id),
  email TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'manager', 'admin')),
  created_at TEXT NOT NULL
);

CREATE TABLE service_packages (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  monthly_pence INTEGER NOT NULL
) STRICT;

CREATE TABLE subscriptions (
  client_id TEXT NOT NULL REFERENCES clients (id),
  package_id INTEGER NOT NULL REFERENCES service_packages (id),
  since TEXT NOT NULL,
  PRIMARY KEY (client_id, package_id)
) WITHOUT ROWID;

CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id),
  name TEXT NOT NULL
);

CREATE TABLE tickets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client_id TEXT NOT NULL REFERENCES clients (id),
  project_id TEXT REFERENCES projects (id) ON DELETE SET NULL,
  title TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'waiting', 'closed')),
  created_at TEXT NOT NULL,
  is_open INTEGER GENERATED ALWAYS AS (status <> 'closed') STORED
);

CREATE TABLE ticket_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket_id INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id),
  body TEXT NOT NULL
);

CREATE TABLE invoices (
  id INTEGER PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id),
  number TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
);

CREATE TABLE invoice_items (
  invoice_id INTEGER NOT NULL REFERENCES invoices (id) ON DELETE CASCADE,
  line INTEGER NOT NULL,
  what TEXT NOT NULL,
  pence INTEGER NOT NULL,
  PRIMARY KEY (invoice_id, line)
);

CREATE TABLE payments (
  id INTEGER PRIMARY KEY,
  invoice_id INTEGER NOT NULL REFERENCES invoices (id),
  bank_reference INTEGER NOT NULL,
  pence INTEGER NOT NULL
);

CREATE TABLE documents (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id),
  object_key TEXT NOT NULL,
  sha256 BLOB NOT NULL
);

CREATE TABLE api_usage (
  day TEXT NOT NULL,
  client_id TEXT NOT NULL REFERENCES clients (id),
  calls INTEGER NOT NULL,
  seconds REAL NOT NULL,
  PRIMARY KEY (day, client_id)
);

CREATE TABLE activity_log (
  id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
  action TEXT NOT NULL,
  entity_type TEXT NOT NULL,
  details TEXT,
  created_at TEXT NOT NULL DEFAULT (datetime('now'))
);

CREATE INDEX tickets_of_client ON tickets (client_id, created_at);

CREATE VIRTUAL TABLE ticket_search USING fts5 (title, content = 'tickets', content_rowid = 'id');

CREATE TRIGGER tickets_are_searched AFTER INSERT ON tickets BEGIN
  INSERT INTO ticket_search (rowid, title) VALUES (new.id, new.title);
END;

CREATE TRIGGER tickets_are_forgotten AFTER DELETE ON tickets BEGIN
  INSERT INTO ticket_search (ticket_search, rowid, title) VALUES ('delete', old.id, old.title);
END;

CREATE TRIGGER tickets_are_renamed AFTER UPDATE OF title ON tickets BEGIN
  INSERT INTO ticket_search (ticket_search, rowid, title) VALUES ('delete', old.id, old.title);
  INSERT INTO ticket_search (rowid, title) VALUES (new.id, new.title);
END;
