"""Databases of many small tables, where what counts is not rows but what each table costs."""

import shutil
import sqlite3

from data import Cluster
from harness import fail, run, say

# Tables of the chains in SQLite; an earlier build is measured on the longest alone.
SIZES = (1_250, 2_500, 5_000)
MOST = SIZES[-1]

# Rows of a table in SQLite and in PostgreSQL.
CHAIN_ROWS = 3
ROWS = 10

# Version of the data, so that other data is made anew.
DATA = 1

# An earlier build keeps changes of every table in a temporary one, for which the locks that a server comes with do not do.
SETTINGS = """
max_locks_per_transaction = 512
"""


class Tables:
    """The data, made once and kept, and a server that runs while the `with` lasts."""

    def __init__(self, cache, bin):
        self.folder = cache / f"tables-{DATA}"
        if not self.folder.exists():
            building = cache / f"tables-{DATA}.new"
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            for size in SIZES:
                say(f"making a chain of {size:,} tables in SQLite")
                _chain(building / f"{size}.sqlite", size)
            say(f"making {MOST:,} tables in PostgreSQL")
            _load(Cluster(building / "cluster", bin, "fsync = off"))
            building.rename(self.folder)
        self.cluster = Cluster(self.folder / "cluster", bin, SETTINGS)

    def __enter__(self):
        self.cluster.__enter__()
        # A run that was killed may leave rows away; what they were is known.
        for left in set(self.cluster.databases()) - {"postgres", "many"}:
            self.cluster.drop(left)
        return self

    def __exit__(self, *ends):
        self.cluster.__exit__(*ends)

    def round(self, measured, work, programs):
        for size in SIZES:
            for program in programs:
                if size == MOST or program.label == "rowkeep":
                    self._sqlite(measured, size, work, program)
        for program in programs:
            self._postgres(measured, work, program)

    def _sqlite(self, measured, size, work, program):
        def take(name, argv, **more):
            measured.take(f"tables: SQLite, {size:,} tables: {name}", argv, **more)

        work.empty()
        repository = program.repository(work / "repository")
        source, new, live = self.folder / f"{size}.sqlite", work / "new.sqlite", work / "live.sqlite"
        repository.backup(take, "backup", source)
        repository.restore(take, "restore", new)

        def in_place(name, damage, *options):
            shutil.copy(source, live)
            _change(live, damage)
            repository.measure(take, name, "restore", "latest", "--to", live, "--yes", *options)
            run(repository.command("verify", "latest", "--against", live))

        last = f"t{size - 1}"
        two = ["UPDATE t5 SET note = 'another' WHERE id = 1", f"DELETE FROM {last} WHERE id = 2"]
        in_place("restore of two rows in place", two)
        one = [f"DELETE FROM {last} WHERE id = 1"]
        in_place("restore of a row with all related", one, "--key", "t0:1", "--with-related")

    def _postgres(self, measured, work, program):
        def take(name, argv, **more):
            self.cluster.checkpoint()
            measured.take(f"tables: PostgreSQL, {MOST:,} tables: {name}", argv, **more)

        work.empty()
        repository = program.repository(work / "repository")
        many = self.cluster.url("many")
        repository.backup(take, "backup", many)
        self.cluster.recreate("restored")
        repository.restore(take, "restore", self.cluster.url("restored"))
        self.cluster.drop("restored")

        last = f"t{MOST - 1}"
        two = ["UPDATE t5 SET note = 'another' WHERE id = 1", f"DELETE FROM {last} WHERE id = 2"]
        for name, options in [
            ("two rows in place", []),
            ("two rows in place, all read", ["--read-all"]),
            ("two rows in place, of two tables", ["--tables", "t5", "--tables", last]),
            ("one row in place", ["--key", f"{last}:2"]),
        ]:
            self.cluster.sql("many", *(two[1:] if "--key" in options else two))
            repository.measure(take, f"restore of {name}", "restore", "latest", "--to", many, "--yes", *options)
        run(repository.command("verify", "latest", "--against", many))


def _chain(file, size):
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous = off")
    for number in range(size):
        references = f" REFERENCES t{number - 1} (id)" if number else ""
        connection.execute(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, up INTEGER{references}, note TEXT)")
        rows = [(row, row if number else None, f"note {row} of {number}") for row in range(1, CHAIN_ROWS + 1)]
        connection.executemany(f"INSERT INTO t{number} VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()


def _change(file, statements):
    connection = sqlite3.connect(file)
    for statement in statements:
        if connection.execute(statement).rowcount != 1:
            fail(f"{statement} did not change one row")
    connection.commit()
    connection.close()


def _load(cluster):
    cluster.create()
    with cluster:
        cluster.recreate("many")
        script = []
        for number in range(MOST):
            script += [
                f"CREATE TABLE t{number} (id integer PRIMARY KEY, amount numeric(12,2) NOT NULL, note text);",
                f"INSERT INTO t{number} SELECT k, k * 1.5, 'note ' || k || ' of {number}' "
                f"FROM generate_series(1, {ROWS}) k;",
            ]
            # So many at once that neither commits nor locks are what takes long.
            if number % 500 == 499:
                script.append("COMMIT; BEGIN;")
        psql = [cluster.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", cluster.url("many")]
        run(psql, input="\n".join(["BEGIN;", *script, "COMMIT;"]))
        cluster.sql("many", "VACUUM (FREEZE, ANALYZE)")
