"""A second backup of TPC-H after one row in 125 of every table was changed at random, and what its snapshot is like to restore."""

import os
import shutil

from data import TABLES
from harness import run, shell, size_of
from live import CHANGED

# One row of this many changes: 0.8 %.
ONE_OF = 125


def increments(measured, data, cluster, work, programs, number):
    """`number` is that of the round: other rows change in every round, the same in every run."""
    _postgres(measured, cluster, work, programs, number)
    work.empty()
    _sqlite(measured, data, work, programs, number)


def _restic(take, work, database, name):
    """Backs up the file itself, as it is; the first call makes the repository."""
    if not shutil.which("restic"):
        return
    os.environ["RESTIC_PASSWORD"] = "bench"
    repository = work / "restic"
    command = ["restic", "-q", "--no-cache", "-r", str(repository)]
    if not repository.exists():
        run([*command, "init"])
    before = size_of(repository)
    take(f"restic {name}", [*command, "backup", str(database)], lambda: size_of(repository) - before)


def _pgbackrest(take, cluster, work, name, kind):
    """Backs up the files of the whole server, of which only those of `grown` change between two calls.

    The server runs meanwhile, with nothing to do, so the copy would not be one to restore; how many bytes it has is the same.
    """
    if not shutil.which("pgbackrest"):
        return
    repository = work / "pgbackrest"
    command = ["pgbackrest", "--stanza=bench", f"--pg1-path={cluster.folder}", f"--repo1-path={repository}"]
    command += [f"--lock-path={work}/pgbackrest-lock", "--log-level-file=off", "--no-online"]
    if not repository.exists():
        run([*command, "stanza-create"])
    before = size_of(repository)
    command += ["--force", "--compress-type=zst", "--process-max=2", f"--type={kind}", "backup"]
    take(f"pgbackrest {name}", command, lambda: size_of(repository) - before)


def _postgres(measured, cluster, work, programs, number):
    def take(name, argv, stored=None, peak=False):
        cluster.checkpoint()
        measured.take(f"increments, PostgreSQL: {name}", argv, stored, peak)

    cluster.drop("grown")
    cluster.sql("postgres", "CREATE DATABASE grown TEMPLATE tpch")
    cluster.sql("grown", "VACUUM ANALYZE")
    url = cluster.url("grown")
    repositories = [of.repository(work / of.label) for of in programs]
    for repository in repositories:
        repository.backup(take, "first backup", url, "--name", "first")
    _pgbackrest(take, cluster, work, "first backup", "full")
    for table, column in CHANGED.items():
        change = f"UPDATE {table} SET {column} = {column} + 1"
        cluster.sql("grown", f"{change} WHERE hash_record_extended({table}, {number}) % {ONE_OF} = 0")
    copies = " ".join(f"-c 'COPY {name} TO STDOUT'" for name in TABLES)
    take("COPY of every table", shell(f"psql -Xq {url} {copies} >/dev/null"))
    for repository in repositories:
        repository.backup(take, "backup, 0.8 % changed", url, "--name", "second")
    _pgbackrest(take, cluster, work, "backup, 0.8 % changed", "incr")
    for table, column in CHANGED.items():
        first = f"format('(%s,0)', pg_relation_size('{table}') / 8192 / {ONE_OF})::tid"
        cluster.sql("grown", f"UPDATE {table} SET {column} = {column} + 1 WHERE ctid < {first}")
    take("COPY of every table, again", shell(f"psql -Xq {url} {copies} >/dev/null"))
    for repository in repositories:
        repository.backup(take, "backup, 0.8 % changed together", url)
    for name in ("first", "second"):
        for repository in repositories:
            cluster.recreate("restored")
            target = cluster.url("restored")
            repository.measure(take, f"restore of the {name}", "restore", name, "--to", target, "--no-verify")
            run(repository.command("verify", name, "--against", target))
    cluster.drop("restored")
    cluster.drop("grown")


def _sqlite(measured, data, work, programs, number):
    def take(name, argv, stored=None, peak=False):
        measured.take(f"increments, SQLite: {name}", argv, stored, peak)

    database = work / "grown.sqlite"
    shutil.copy(data / "tpch.sqlite", database)
    repositories = [of.repository(work / of.label) for of in programs]
    for repository in repositories:
        repository.backup(take, "first backup", database, "--name", "first")
    _restic(take, work, database, "first backup")
    scattered = f"abs((rowid + {number}) * 2654435761 % 1000003) % {ONE_OF} = 0"
    changes = "; ".join(f"UPDATE {table} SET {column} = {column} + 1 WHERE {scattered}" for table, column in CHANGED.items())
    run(["sqlite3", database, changes])
    for repository in repositories:
        repository.backup(take, "backup, 0.8 % changed", database, "--name", "second")
    _restic(take, work, database, "backup, 0.8 % changed")
    # The first time that nothing has changed is when a backup takes note of the pages.
    for name in ("backup, unchanged the first time", "backup, unchanged"):
        for repository in repositories:
            repository.backup(take, name, database)
    for name in ("first", "second"):
        for repository in repositories:
            restored = work / "restored.sqlite"
            repository.measure(take, f"restore of the {name}", "restore", name, "--to", restored, "--no-verify")
            run(repository.command("verify", name, "--against", restored))
            restored.unlink()
    for repository in repositories:
        if repository.can("prune"):
            run(repository.command("delete", "first", "--yes"))
            repository.measure(take, "prune of the first", "prune", "--grace", "0s", "--yes")
            run(repository.command("verify", "second", "--against", database))
