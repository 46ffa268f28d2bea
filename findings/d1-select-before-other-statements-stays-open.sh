#!/usr/bin/env bash
# D1 of workerd 1.20260426.1 (in miniflare 4.20260426.0 of npm): of several statements in one text, a SELECT of a table that is not the last is never ended.
# The text succeeds and its later statements are done, but from then on no request of anybody can drop a table or an index: "database table is locked:
# SQLITE_LOCKED", also in requests of their own. Adding columns, creating indexes, reading and writing go on. A SELECT without a table does no harm, nor does one
# that is the last of its text. So a script that looks at something before it changes anything makes the next migration fail.
# Fails if such a SELECT is ended with its text, or refused. Wants Node 20 and npm; seen on 2026-11-30.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund miniflare@4.20260426.0 >/dev/null
cat >run.mjs <<'JS'
import { Miniflare } from "miniflare";

/** Runs texts one after the other in a new database, a request each, and says how they ended. */
async function tried(texts) {
  const miniflare = new Miniflare({
    modules: true,
    script: "export default { fetch() { return new Response() } }",
    d1Databases: { DB: "00000000-0000-0000-0000-000000000001" },
  });
  const db = await miniflare.getD1Database("DB");
  await db.exec("CREATE TABLE kept (a); INSERT INTO kept VALUES (1), (2); CREATE TABLE other (a); CREATE INDEX i ON kept (a)");
  const ends = [];
  for (const text of texts) {
    const end = await db.prepare(text).all().then(() => "done", (error) => (/SQLITE_LOCKED/.test(error.message) ? "locked" : error.message));
    ends.push(end);
  }
  console.log(texts.join(" | "), "=>", ends.join(" | "));
  await miniflare.dispose();
}

await tried(["SELECT a FROM kept", "DROP TABLE other"]);
await tried(["INSERT INTO kept VALUES (3); SELECT a FROM kept", "DROP TABLE other"]);
await tried(["SELECT 1; INSERT INTO kept VALUES (3)", "DROP TABLE other"]);
await tried(["SELECT a FROM kept; INSERT INTO kept VALUES (3)", "SELECT a FROM kept", "ALTER TABLE other ADD COLUMN b", "DROP TABLE other", "DROP INDEX i"]);
JS
node run.mjs | tee seen
diff - seen <<'SEEN'
SELECT a FROM kept | DROP TABLE other => done | done
INSERT INTO kept VALUES (3); SELECT a FROM kept | DROP TABLE other => done | done
SELECT 1; INSERT INTO kept VALUES (3) | DROP TABLE other => done | done
SELECT a FROM kept; INSERT INTO kept VALUES (3) | SELECT a FROM kept | ALTER TABLE other ADD COLUMN b | DROP TABLE other | DROP INDEX i => done | done | done | locked | locked
SEEN
