"""A service that was used for long: databases, a repository with a snapshot of each on every day, jobs and an audit of all that."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from data import TABLES, _generator, _load_sqlite
from harness import fail, run, say
from live import CHANGED, ONE_OF
from served import Served

PASSWORD = "a password of the bench"

# The newest backup of each database is never older than that when something is measured.
FRESH = timedelta(hours=20)

# How often a recovery of each database was tested.
DRILL_DAYS = 30

# The database with TPC-H, and its table of which rows are shown.
LARGE = "tpch"

# A job as it is kept, in the order in which the columns are written.
COLUMNS = "id, kind, database, request, state, asked_by, scheduled, created, due, started, ended, attempt, outcome, told"


class World:
    """Made once and kept; what is measured works with a copy of its state."""

    def __init__(self, cache, program, options):
        self.cache, self.program, self.options = cache, program, options
        self.folder = cache / f"service-{options.databases}x{options.days}-{options.scale}"
        self.names = [f"d{number:03}" for number in range(options.databases)]
        self.state = self.folder / "state.db"

    def make(self):
        """Makes what is not there. Paths of databases are in the snapshots, so it is made in its place."""
        marker = self.folder / "made.json"
        if marker.exists():
            self.made = json.loads(marker.read_text())
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.options.maker.exists() or fail(
            f"{self.options.maker} is missing: cargo build --release --example many_days"
        )
        begin = time.monotonic()
        self._databases()
        self._configure(with_large=False)
        self._rowkeep("init", "--key-file", "key")
        self._rowkeep("backup", "--quiet")
        say(f"making {len(self.names) * self.options.days:,} snapshots")
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        run([self.options.maker, self.folder / "repository", self.folder / "key", self.options.days - 1, now])
        self._rowkeep("backup", "--quiet")
        self._large()
        self.made = self._service()
        # Last, so that half of a world is never taken for a whole one.
        marker.write_text(json.dumps(self.made))
        say(f"made in {time.monotonic() - begin:.0f} s")

    def bring_up_to_date(self):
        """Backs up what was not lately, so that promises are kept, and puts schedules far from now, so that nothing is due."""
        self._configure(with_large=True)
        listed = self._snapshots()
        newest = max(snapshot["time"] for snapshot in listed if snapshot["database"] == self.names[0])
        if datetime.now(timezone.utc) - datetime.fromisoformat(newest.replace("Z", "+00:00")) > FRESH:
            say("backing up, so that no backup is overdue")
            self._rowkeep("backup", "--quiet")
        now = int(time.time() * 1e6)
        with sqlite3.connect(self.state) as state:
            state.execute("UPDATE marks SET time = ?", (now,))
        state.close()
        self.snapshots = len(self._snapshots())

    def copy_of_state(self, work):
        """A copy of the state and its key, for one service to work with."""
        Path(work).mkdir(parents=True, exist_ok=True)
        for name in ("state.db", "state.db.key"):
            shutil.copyfile(self.folder / name, Path(work) / name)
            os.chmod(Path(work) / name, 0o600)
        return Path(work) / "state.db"

    def serve(self, state, *options):
        return Served(self.program, self.folder, state, *options)

    def _rowkeep(self, *arguments):
        return run([self.program, *arguments], cwd=self.folder)

    def _snapshots(self):
        return json.loads(self._rowkeep("snapshots", "--json"))["snapshots"]

    def _configure(self, with_large):
        """Half of the databases have a promise; all are backed up daily, half a day from now."""
        at = (datetime.now(timezone.utc) + timedelta(hours=12)).strftime("%H:%M")
        lines = ['repository = "repository"', 'key_file = "key"', "[schedule]", f'backup = "daily at {at}"']
        for number, name in enumerate(self.names):
            lines += [f"[databases.{name}]", f'url = "databases/{name}.sqlite"']
            if number % 2:
                lines += [f'promise = {{ lose = "30h" }}', f'schedule = {{ backup = "daily at {at}" }}']
        if with_large:
            lines += [f"[databases.{LARGE}]", f'url = "{LARGE}.sqlite"']
        (self.folder / "rowkeep.toml").write_text("\n".join(lines) + "\n")

    def _databases(self):
        (self.folder / "databases").mkdir()
        for number, name in enumerate(self.names):
            database = sqlite3.connect(self.folder / "databases" / f"{name}.sqlite")
            database.executescript(
                "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
                "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, total REAL);"
            )
            database.executemany("INSERT INTO customers VALUES (?, ?)", [(n, f"c {number} {n}") for n in range(200)])
            orders = [(n, n % 200, n / 4 + number) for n in range(1_000 + 10 * number)]
            database.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
            database.commit()
            database.close()

    def _large(self):
        """TPC-H, backed up, 0.8 % of the rows of each table changed that lie together, backed up again."""
        say(f"making {LARGE}")
        file = self.folder / f"{LARGE}.sqlite"
        known = self.cache / f"tpch-{self.options.scale}" / "tpch.sqlite"
        if known.exists():
            shutil.copyfile(known, file)
        else:
            rows = self.folder / "rows"
            run([_generator(self.cache), "tbl", "-q", "-s", self.options.scale, "-o", rows])
            _load_sqlite(file, rows)
            shutil.rmtree(rows)
        self._configure(with_large=True)
        self._rowkeep("backup", LARGE, "--quiet")
        database = sqlite3.connect(file)
        for table, column in CHANGED.items():
            key = TABLES[table][1].split(",")[0]
            highest = f"SELECT max({key}) / {ONE_OF} FROM {table}"
            database.execute(f"UPDATE {table} SET {column} = {column} + 1 WHERE {key} <= ({highest})")
        database.commit()
        database.close()
        self._rowkeep("backup", LARGE, "--quiet")

    def _service(self):
        """The state of the service: a user, a token, a backup and a drill that it did, then those of all days before."""
        say("making the state of the service")
        with self.serve(self.state, "--new-token") as served:
            token, password = served.wait().made()
            user = served.client()
            user.headers["X-CSRF-Token"] = user.sign_in(password)
            change = {"present": password, "new": PASSWORD}
            user.send("PUT", "/api/v1/session/password", change, expect=(200, 204))
            program = served.client(Authorization=f"Bearer {token}")
            jobs = []
            for what in ("backups", "drills"):
                path = f"/api/v1/databases/{self.names[0]}/{what}?wait=120s"
                job = program.json("POST", path, expect=(200,))
                job["state"] == "done" or fail(f"{path}: {job}")
                jobs.append(job["id"])
        self._history(*jobs)
        # Once more, so that all of it is in the repository too, as it is there where a service runs.
        with self.serve(self.state) as served:
            user = served.wait().client()
            user.headers["X-CSRF-Token"] = user.sign_in(PASSWORD)
        verified = subprocess.run(
            [str(self.program), "audit", "verify", "--state", str(self.state)], cwd=self.folder, capture_output=True, text=True
        )
        verified.returncode == 0 or fail(f"audit verify: {verified.stdout}{verified.stderr}")
        return {"token": token}

    def _history(self, backup, drill):
        """Writes the jobs of all days before and what the audit says of them, as the service wrote those that it did."""
        hasher = _blake3(self.cache)
        listed = sorted(self._snapshots(), key=lambda snapshot: snapshot["time"])
        state = sqlite3.connect(self.state)
        real = {}
        for kind, id in (("backup", backup), ("drill", drill)):
            query = f"SELECT {COLUMNS} FROM jobs WHERE id = ?"
            real[kind] = dict(zip(COLUMNS.split(", "), state.execute(query, (id,)).fetchone()))
        (last,) = state.execute("SELECT max(number) FROM audit").fetchone()
        (head,) = state.execute("SELECT hash FROM audit WHERE number = ?", (last,)).fetchone()
        number, jobs, entries = 0, [], []

        def job(kind, name, begin, snapshot):
            nonlocal last, head, number
            of = real[kind]
            id = f"{number:032x}"
            number += 1
            changed = {"id": id, "database": name, "asked_by": "schedule", "state": "done", "told": 2, "attempt": 1}
            took = of["ended"] - of["started"]
            changed |= {"scheduled": begin, "created": begin, "due": begin, "started": begin, "ended": begin + took}
            text = lambda text: text.replace(self.names[0], name).replace(of["id"], id)
            outcome = json.loads(text(of["outcome"]))
            if kind == "backup":
                tags = outcome["outcome"]["snapshots"][0]["tags"]
                outcome["outcome"]["snapshots"] = [{**snapshot, "tags": tags}]
            changed |= {"request": text(of["request"]), "outcome": json.dumps(outcome, separators=(",", ":"))}
            jobs.append([{**of, **changed}[column] for column in COLUMNS.split(", ")])
            last += 1
            said = ["schedule", "", "job.end", f"{kind} of {name}: {id}", "done"]
            head = hasher(head, last, begin + took, said)
            entries.append([last, begin + took, *said, head])

        for at, snapshot in enumerate(listed):
            if snapshot["database"] not in self.names:
                continue
            begin = int(datetime.fromisoformat(snapshot["time"].replace("Z", "+00:00")).timestamp() * 1e6)
            job("backup", snapshot["database"], begin, snapshot)
            if at // len(self.names) % DRILL_DAYS == 0:
                job("drill", snapshot["database"], begin + 3_600_000_000, None)
        holders = ", ".join("?" * len(COLUMNS.split(", ")))
        with state:
            state.executemany(f"INSERT INTO jobs ({COLUMNS}) VALUES ({holders})", jobs)
            state.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", entries)
        state.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        state.close()
        say(f"{len(jobs):,} jobs and {len(entries):,} entries of the audit")


def _blake3(cache):
    """The hash of an entry of the audit, from that of the entry before: what `state/audit.rs` computes."""
    _generator(cache)
    run([cache / "venv" / "bin" / "pip", "install", "--quiet", "blake3==1.0.11"])
    packages = next((cache / "venv" / "lib").glob("python3.*/site-packages"))
    sys.path.append(str(packages))
    from blake3 import blake3

    def hash(before, number, at, parts):
        hasher = blake3(derive_key_context="rowkeep 2026-11-29 audit entry")
        hasher.update(before + number.to_bytes(8, "little", signed=True) + at.to_bytes(8, "little", signed=True))
        for part in parts:
            part = part.encode()
            hasher.update(len(part).to_bytes(8, "little") + part)
        return hasher.digest()

    return hash
