"""What a prune takes after many snapshots of which nine in ten go, beside restic on the same number of bytes."""

import json
import os
import random
import shutil
import sqlite3

from harness import run, say, shell, size_of

# Of so many snapshots one stays.
ONE_OF = 10

# How many rounds of rows are in the database at any time: rows of the oldest go when new ones come.
WINDOW = 5

# Rows of a round, and bytes of each, which nothing can compress.
ROWS = 256
ROW_BYTES = 4_000


def prune(measured, work, programs, snapshots, with_restic):
    def take(name, argv, stored=None, peak=False):
        measured.take(f"prune: {name}", argv, stored, peak)

    work.empty()
    database = work / "window.sqlite"
    repositories = [of.repository(work / of.label) for of in programs]
    repositories = [repository for repository in repositories if repository.can("prune")]
    say(f"making {snapshots:,} snapshots")
    _make(database, snapshots, lambda: [run(of.command("backup", database)) for of in repositories])
    bytes_a_snapshot = size_of(repositories[0].folder) // snapshots
    for repository in repositories:
        listed = json.loads(run([*repository.command("snapshots"), "--json"]))["snapshots"]
        # The newest stays.
        going = [one["id"] for at, one in enumerate(reversed(listed)) if at % ONE_OF]
        run(repository.command("delete", "--yes", *going))
        before = size_of(repository.folder)
        repository.measure(take, "prune", "prune", "--grace", "0s", "--yes")
        say(f"{repository.label}: {before:,} bytes before, {size_of(repository.folder):,} after")
        run(repository.command("verify", "latest", "--against", database))
        run(repository.command("check", "--read-data"))
        shutil.rmtree(repository.folder)
    if with_restic and shutil.which("restic"):
        _restic(take, work, snapshots, bytes_a_snapshot)


def _make(database, snapshots, backup):
    """Calls `backup` for each state of a database in which rows come and the oldest go; the same states in every run."""
    chance = random.Random(7)
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, line BLOB NOT NULL)")
    for number in range(snapshots):
        first = number * ROWS
        rows = [(first + row, chance.randbytes(ROW_BYTES)) for row in range(ROWS)]
        connection.executemany("INSERT INTO log VALUES (?, ?)", rows)
        connection.execute("DELETE FROM log WHERE id < ?", (first - (WINDOW - 1) * ROWS,))
        connection.commit()
        backup()
    connection.close()


def _restic(take, work, snapshots, bytes_a_snapshot):
    """The same window over files, of as many bytes as rowkeep stored for a snapshot."""
    os.environ["RESTIC_PASSWORD"] = "bench"
    command = ["restic", "-q", "--no-cache", "-r", str(work / "restic")]
    chance = random.Random(7)
    window = work / "window"
    window.mkdir()
    run([*command, "init"])
    for number in range(snapshots):
        (window / str(number)).write_bytes(chance.randbytes(bytes_a_snapshot))
        (window / str(number - WINDOW)).unlink(missing_ok=True)
        run([*command, "backup", window])
    listed = json.loads(run([*command, "snapshots", "--json"]))
    going = [one["id"] for at, one in enumerate(reversed(listed)) if at % ONE_OF]
    run([*command, "forget", *going])
    before = size_of(work / "restic")
    take("restic prune", shell(" ".join([*command, "prune"])))
    say(f"restic: {before:,} bytes before, {size_of(work / 'restic'):,} after")
    run([*command, "check"])
