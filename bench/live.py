"""Comparing states of TPC-H, and bringing rows back into a database that holds data."""

from data import TABLES
from harness import fail, run, shell

# So many rows are deleted and brought back.
DELETED = 1_000
# One row of this many changes: 0.8 %.
ONE_OF = 125

# A column of each larger table that an application would change.
CHANGED = {
    "supplier": "s_acctbal",
    "customer": "c_acctbal",
    "part": "p_retailprice",
    "partsupp": "ps_availqty",
    "orders": "o_totalprice",
    "lineitem": "l_quantity",
}

# Rows to which nothing refers, always the same ones, all over their tables: of a small one and of the largest.
ALONE = {
    "customer": """c_custkey IN (SELECT c_custkey FROM customer c
        WHERE NOT EXISTS (SELECT FROM orders WHERE o_custkey = c_custkey) ORDER BY hashint4(c_custkey) LIMIT {})""",
    "lineitem": """(l_orderkey, l_linenumber) IN (SELECT l_orderkey, l_linenumber FROM lineitem
        ORDER BY hashint4(l_orderkey), l_linenumber LIMIT {})""",
}

# What the server counted of rows written, of every table.
WRITTEN = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"


class Live:
    """Databases and snapshots that are made once and measured in every round.

    `scattered` is TPC-H with 0.8 % of the rows of each table changed at random, `together` with as many changed whose
    keys are the lowest, `live` the same as `tpch`. Snapshots are named like the databases; `unscattered` is `scattered`
    before its rows were changed. Each build has a repository of its own.
    """

    DATABASES = ("scattered", "together", "live")

    def __init__(self, cluster, work, repositories):
        self.cluster, self.work, self.repositories = cluster, work, repositories
        for name in self.DATABASES:
            cluster.drop(name)
            cluster.sql("postgres", f"CREATE DATABASE {name} TEMPLATE tpch")
        for name in ("scattered", "live"):
            cluster.sql(name, "VACUUM ANALYZE")
        self._backup("scattered", "unscattered")
        self._backup("live", "whole")
        for table, column in CHANGED.items():
            key = TABLES[table][1].split(",")[0]
            change = f"UPDATE {table} SET {column} = {column} + 1"
            highest = f"SELECT max({key}) / {ONE_OF} FROM {table}"
            cluster.sql("scattered", f"{change} WHERE hash_record_extended({table}, 0) % {ONE_OF} = 0")
            cluster.sql("together", f"{change} WHERE {key} <= ({highest})")
        for name in ("scattered", "together"):
            cluster.sql(name, "VACUUM ANALYZE")
        for name in ("tpch", "scattered", "together"):
            self._backup(name, name)
        self._backup("tpch", "again")
        for table in ALONE:
            run(["pg_dump", "-Fc", "-f", work / table, "-t", table, cluster.url("tpch")])
            # All of the table but its references, for what it refers to is not there.
            contents = run(["pg_restore", "-l", work / table]).splitlines()
            kept = [line for line in contents if " FK CONSTRAINT " not in line]
            (work / f"{table}.list").write_text("\n".join(kept))

    def _backup(self, database, name):
        for repository in self.repositories.values():
            run(repository.command("backup", self.cluster.url(database), "--name", name))

    def round(self, measured, labels):
        """Measures everything once; `labels` are the builds in their order of this round."""
        def take(name, argv, **more):
            self.cluster.checkpoint()
            measured.take(f"live: {name}", argv, **more)

        repositories = [self.repositories[label] for label in labels]

        def diff(name, *states):
            for repository in repositories:
                repository.measure(take, f"diff, {name}", "diff", *states, "--summary", ends=(0, 3))

        orders = [f"-c 'COPY (SELECT * FROM {name} ORDER BY {key}) TO STDOUT'" for name, (_, key, _) in TABLES.items()]
        scattered = self.cluster.url("scattered")
        take("COPY of every table in key order", shell(f"psql -Xq {scattered} {' '.join(orders)} >/dev/null"))
        # Of a copy of its database nothing is told of a snapshot, so all rows are read.
        diff("snapshot and database, 0.8 % scattered", "tpch", scattered)
        diff("snapshot and its own database, 0.8 % scattered", "unscattered", scattered)
        diff("snapshots, 0.8 % scattered", "tpch", "scattered")
        diff("snapshots, 0.8 % together", "tpch", "together")
        diff("snapshots, equal", "tpch", "again")
        # What every command on an encrypted repository takes at least: deriving the key from the passphrase.
        for repository in repositories:
            repository.measure(take, "snapshots", "snapshots")
        for table in ALONE:
            self._bring_back(take, table, repositories)

    def _bring_back(self, take, table, repositories):
        live = self.cluster.url("live")
        take(f"COPY of {table}", shell(f"psql -Xq {live} -c 'COPY {table} TO STDOUT' >/dev/null"))
        for repository in repositories:
            restore = ["restore", "whole", "--to", live, "--yes"]
            for suffix, options in (("", []), (", all read", ["--read-all"])):
                self._delete(table, DELETED)
                before = self._written()
                name = f"restore of {DELETED:,} rows of {table}{suffix}"
                repository.measure(take, name, *restore, "--tables", table, *options)
                self._check(before, {table: [DELETED, 0, 0]})
            key = self._delete(table, 1).replace("|", ",")
            before = self._written()
            repository.measure(take, f"restore of one row of {table}", *restore, "--key", f"{table}:{key}")
            self._check(before, {table: [1, 0, 0]})
            run(repository.command("verify", "whole", "--against", live))

        self.cluster.recreate("restored")
        contents = ["-L", self.work / f"{table}.list", "-d", self.cluster.url("restored")]
        take(f"pg_restore -j2 of {table}", ["pg_restore", "-j2", *contents, self.work / table])
        self.cluster.drop("restored")

    def _delete(self, table, count):
        """Deletes some rows and returns the last one's key."""
        key = TABLES[table][1]
        # Without looking for rows that refer to them: there are none, and no index to look by.
        unchecked = "SET session_replication_role = replica"
        delete = f"DELETE FROM {table} WHERE {ALONE[table].format(count)} RETURNING {key}"
        deleted = self.cluster.sql("live", f"{unchecked}; {delete}")
        self.cluster.sql("live", f"VACUUM ANALYZE {table}")
        return deleted.split()[-1]

    def _written(self):
        """Rows inserted, updated and deleted in each table so far, by the server's own count."""
        # Sessions tell what they did when they end, and some need a moment for that.
        lines = self.cluster.sql("live", "SELECT pg_sleep(1)", WRITTEN).split()
        return {name: [int(count) for count in counts] for name, *counts in (line.split("|") for line in lines)}

    def _check(self, before, expected):
        """Nothing but what had to be written was written."""
        after = self._written()
        written = {name: [now - then for now, then in zip(after[name], before[name])] for name in after}
        written = {name: counts for name, counts in written.items() if any(counts)}
        if written != expected:
            fail(f"a restore wrote {written} instead of {expected}")

    def close(self):
        for name in self.DATABASES:
            self.cluster.drop(name)
