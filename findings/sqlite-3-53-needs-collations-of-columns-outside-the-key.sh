#!/usr/bin/env bash
# SQLite 3.53.0 to 3.54.1 (@sqlite.org/sqlite-wasm 3.53.0-build1 and 3.54.1-build1 of npm): a table WITHOUT ROWID one of whose columns, none of the key, has a
# collation that the program does not know cannot be read at all: "no query solution" for a scan, "no such collation sequence" for a count and for one row by its
# key, although none of them compares that column. SQLite 3.52.0 (3.51.2-build9) and earlier read it, and all read the same column in a table with rowids. Programs
# that read the files of applications (Anki's have such tables with a collation `unicase`) worked with an older library and stop with a newer one; they have to
# register something by that name. The error of a scan does not name the collation.
# Fails if one of these versions behaves otherwise. Wants Node 20 and npm; seen on 2026-12-01.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund before@npm:@sqlite.org/sqlite-wasm@3.51.2-build9 \
  first@npm:@sqlite.org/sqlite-wasm@3.53.0-build1 latest@npm:@sqlite.org/sqlite-wasm@3.54.1-build1 >/dev/null
cat >run.mjs <<'JS'
const { default: init } = await import(process.argv[2]);
const sqlite3 = await init({ print: () => {}, printErr: () => {} });
const db = new sqlite3.oo1.DB(":memory:");
// As a program finds a file whose application has the collation.
db.exec(`CREATE TABLE rowids (id INTEGER PRIMARY KEY, name TEXT COLLATE nocase);
  CREATE TABLE keyed (id INT PRIMARY KEY, name TEXT COLLATE nocase) WITHOUT ROWID;
  INSERT INTO rowids VALUES (1, 'a'); INSERT INTO keyed VALUES (1, 'a'), (2, 'b');
  PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'nocase', 'own'); PRAGMA writable_schema = RESET`);
const ask = (sql) => {
  try {
    return db.selectValue(sql);
  } catch (error) {
    return error.message.replace(/^.*result code \d+: /, "");
  }
};
console.log(ask("SELECT sqlite_version()"));
for (const sql of ["name FROM rowids", "id FROM keyed", "count(*) FROM keyed", "name FROM keyed WHERE id = 2"]) {
  console.log(`  ${sql}: ${ask(`SELECT ${sql}`)}`);
}
JS
for version in before first latest; do node run.mjs "$version"; done | tee seen
diff - seen <<'SEEN'
3.52.0
  name FROM rowids: a
  id FROM keyed: 1
  count(*) FROM keyed: 2
  name FROM keyed WHERE id = 2: b
3.53.0
  name FROM rowids: a
  id FROM keyed: no query solution
  count(*) FROM keyed: no such collation sequence: own
  name FROM keyed WHERE id = 2: no such collation sequence: own
3.54.1
  name FROM rowids: a
  id FROM keyed: no query solution
  count(*) FROM keyed: no such collation sequence: own
  name FROM keyed WHERE id = 2: no such collation sequence: own
SEEN
