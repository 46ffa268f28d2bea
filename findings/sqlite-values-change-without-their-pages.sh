#!/usr/bin/env bash
# SQLite (3.54.1, in the package apsw 3.54.1.0 of PyPI): every value of a column can change without a changed byte in the pages of the table. ALTER TABLE ADD COLUMN
# writes no rows, so rows take the column's default from the definition; DROP COLUMN of a column that no row holds leaves the rows as
# they were; and the same column added again has another default. Between the two states 200 values differ, page 1 with the schema
# differs, and all other pages are equal byte for byte, also those of a table of which the page numbers are the same. Whoever tells by a
# table's pages which of its rows changed has to compare its definition too.
# Fails if the pages differ or the values do not. Wants python3 with venv; seen on 2026-11-29.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet apsw==3.54.1.0
"$work/venv/bin/python" - "$work/t.db" <<'PYTHON'
import sys

import apsw

path = sys.argv[1]
database = apsw.Connection(path)
database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
database.execute("WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 200) INSERT INTO t SELECT n, 'v' || n FROM n")


def state():
    root = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 't'").get
    with open(path, "rb") as file:
        content = file.read()
    size = database.execute("PRAGMA page_size").get
    return database.execute("SELECT sum(d) FROM t").get, root, content[:size], content[size:]


database.execute("ALTER TABLE t ADD COLUMN d INTEGER DEFAULT 7")
sum_before, root_before, schema_before, pages_before = state()
database.execute("ALTER TABLE t DROP COLUMN d")
database.execute("ALTER TABLE t ADD COLUMN d INTEGER DEFAULT 8")
sum_after, root_after, schema_after, pages_after = state()
print(f"SQLite {apsw.sqlite_lib_version()}: the sum of the column was {sum_before}, is {sum_after}")
print(f"its root page was {root_before}, is {root_after}; pages but the first are equal: {pages_before == pages_after}")
same = root_before == root_after and pages_before == pages_after
if not same or schema_before == schema_after or (sum_before, sum_after) != (1400, 1600):
    sys.exit("this has changed")
PYTHON
