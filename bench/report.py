"""What was measured, against what was promised, as a page."""

import os
import platform
import re
import statistics
from pathlib import Path

from harness import MIB, run

UNCHANGED_BYTES = 200_000
PEAK_BYTES = 256 * MIB
FILES_PEAK_BYTES = 200 * MIB
# What has to take no longer, whatever else takes how long.
SECONDS = {
    "live: rowkeep diff, snapshots, 0.8 % together": 0.5,
    "live: rowkeep diff, snapshots, equal": 0.2,
    "live: rowkeep restore of one row of customer": 0.5,
    "live: rowkeep restore of one row of lineitem": 0.5,
}
# What has to take no longer than in an earlier build, in parts of its time; everything else, `AS_BEFORE`.
AS_BEFORE = 1.03
FASTER = {
    "tables: SQLite, 5,000 tables: rowkeep restore": 0.25,
    "tables: SQLite, 5,000 tables: rowkeep restore of two rows in place": 0.2,
    "tables: SQLite, 5,000 tables: rowkeep restore of a row with all related": 0.05,
    "tables: PostgreSQL, 5,000 tables: rowkeep restore": 0.4,
    "tables: PostgreSQL, 5,000 tables: rowkeep restore of two rows in place": 0.2,
    "tables: PostgreSQL, 5,000 tables: rowkeep restore of two rows in place, all read": 0.2,
}

# What has to grow as the number of tables does. Some is the same for any number, which leaves room for noise.
LINEAR = [
    "restore",
    "restore of two rows in place",
    "restore of a row with all related",
]


def page(measured, options, versions, cluster_version, load):
    """The whole page. `versions` are those of the program and of an earlier build, as far as they were measured.

    `load` is how busy the machine was with other things.
    """
    before = _before(measured)
    return "\n".join(
        [
            "# Measured",
            "",
            f"By `bench/run`: TPC-H at scale {options.scale}, medians of {options.runs} rounds in which everything takes "
            "its turn.",
            "",
            *_machine(cluster_version, versions, load),
            "",
            "## Against the limits",
            "",
            "| work | as a part of | measured | at most | |",
            "|---|---|---|---|---|",
            *_limits(measured),
            "",
            *(before and ["## Against an earlier build", "", *before, ""]),
            "## Absolute",
            "",
            "| work | seconds | all rounds | stored, MB | memory, MiB |",
            "|---|---|---|---|---|",
            *_absolute(measured),
            "",
            "Stored is what a backup added. Memory is the peak of the rowkeep process over all rounds.",
            "",
        ]
    )


def _machine(cluster_version, builds, load):
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory_kib = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    versions = [
        builds[0] if builds else "no rowkeep",
        f"PostgreSQL {cluster_version}",
        "SQLite " + run(["sqlite3", "--version"]).split()[0],
        "zstd " + re.search(r"v([\d.]+)", run(["zstd", "--version"]))[1],
    ]
    return [
        f"- machine: {os.cpu_count()} cores, {model[1] if model else platform.machine()}, "
        f"{memory_kib / MIB:.0f} GiB of memory, Linux {platform.release()}",
        f"- load of the machine over the last minute before: {load:.1f}",
        f"- versions: {', '.join(versions)}",
    ]


def _limits(m):
    ratios = [
        ("postgres: rowkeep backup", "time", m.seconds, "postgres: pg_dump -Fc", 0.22),
        ("postgres: rowkeep backup", "time", m.seconds, "postgres: pg_dump, zstd -3 -T2", 1.0),
        ("postgres: rowkeep backup", "stored", m.stored, "postgres: pg_dump -Fc", 0.88),
        ("postgres: rowkeep backup, unchanged", "time", m.seconds, "postgres: COPY of every table", 1.1),
        ("postgres: rowkeep backup, unchanged, all read", "time", m.seconds, "postgres: COPY of every table", 1.1),
        ("postgres: rowkeep restore", "time", m.seconds, "postgres: pg_restore -j2", 0.6),
        ("live: rowkeep diff, snapshot and database, 0.8 % scattered", "time", m.seconds,
         "live: COPY of every table in key order", 1.15),
        ("live: rowkeep diff, snapshot and its own database, 0.8 % scattered", "time", m.seconds,
         "live: COPY of every table in key order", 1.15),
        ("live: rowkeep restore of 1,000 rows of customer", "time", m.seconds, "live: COPY of customer", 1.3),
        ("live: rowkeep restore of 1,000 rows of customer", "time", m.seconds, "live: pg_restore -j2 of customer", 0.2),
        ("live: rowkeep restore of 1,000 rows of lineitem", "time", m.seconds, "live: COPY of lineitem", 1.3),
        ("live: rowkeep restore of 1,000 rows of lineitem", "time", m.seconds, "live: pg_restore -j2 of lineitem", 0.2),
        ("sqlite: rowkeep backup", "time", m.seconds, "sqlite: VACUUM INTO, zstd -3 -T2", 1.0),
        ("sqlite: rowkeep backup", "stored", m.stored, "sqlite: VACUUM INTO, zstd -3 -T2", 1.0),
        ("sqlite: rowkeep restore", "time", m.seconds, "sqlite: loading of .dump", 0.4),
        ("increments, PostgreSQL: rowkeep backup, 0.8 % changed", "stored", m.stored,
         "increments, PostgreSQL: rowkeep first backup", 0.015),
        ("increments, SQLite: rowkeep backup, 0.8 % changed", "stored", m.stored,
         "increments, SQLite: rowkeep first backup", 0.015),
        ("increments, PostgreSQL: rowkeep backup, 0.8 % changed", "time", m.seconds,
         "increments, PostgreSQL: COPY of every table", 0.45),
        ("increments, PostgreSQL: rowkeep backup, 0.8 % changed together", "time", m.seconds,
         "increments, PostgreSQL: COPY of every table, again", 0.2),
        ("increments, SQLite: rowkeep backup, 0.8 % changed", "time", m.seconds,
         "increments, SQLite: restic backup, 0.8 % changed", 0.35),
        ("increments, SQLite: rowkeep backup, unchanged", "time", m.seconds,
         "increments, SQLite: restic backup, 0.8 % changed", 0.15),
        ("increments, SQLite: rowkeep backup, 0.8 % changed", "stored", m.stored,
         "increments, SQLite: restic backup, 0.8 % changed", 1 / 55),
        ("increments, PostgreSQL: rowkeep backup, 0.8 % changed", "stored", m.stored,
         "increments, PostgreSQL: pgbackrest backup, 0.8 % changed", 1 / 55),
        ("increments, PostgreSQL: rowkeep restore of the second", "time", m.seconds,
         "increments, PostgreSQL: rowkeep restore of the first", 1.1),
        ("increments, SQLite: rowkeep restore of the second", "time", m.seconds,
         "increments, SQLite: rowkeep restore of the first", 1.1),
        ("files: rowkeep import, plain", "time", m.seconds, "files: psql, plain", 0.25),
        ("files: rowkeep import, custom", "time", m.seconds, "files: pg_restore -j2, custom", 0.35),
        ("files: rowkeep export, SQL", "time", m.seconds, "files: pg_dump", 0.5),
        ("files: rowkeep export, CSV", "time", m.seconds, "files: pg_dump", 0.4),
        ("files: rowkeep export, Parquet", "time", m.seconds, "files: pg_dump", 0.8),
        ("files: rowkeep export, Parquet", "time", m.seconds, "files: DuckDB, CSV to Parquet", 0.5),
        ("files: rowkeep import of 30 daily dumps", "stored", m.stored, "files: daily dumps, the first", 1.3),
        ("prune: rowkeep prune", "time", m.seconds, "prune: restic prune", 0.3),
    ]
    for ours, what, figure, theirs, limit in ratios:
        our, their = figure(ours), figure(theirs)
        ratio = None if our is None or their is None else our / their
        yield _line(f"{ours}: {what}", theirs.split(": ")[1], ratio, limit, "{:.2f}" if limit >= 0.1 else "{:.4f}")
    for work, limit in SECONDS.items():
        yield _line(f"{work}: seconds", "", m.seconds(work), limit, "{:.2f}")
    for work in LINEAR:
        least, most = (m.seconds(f"tables: SQLite, {tables} tables: rowkeep {work}") for tables in ("1,250", "5,000"))
        ratio = most / least if least else None
        yield _line(f"tables: SQLite, 5,000 tables: rowkeep {work}: time", "1,250 tables", ratio, 4, "{:.2f}")
    added = m.stored("postgres: rowkeep backup, unchanged")
    yield _line("postgres: rowkeep backup, unchanged: stored, bytes", "", added, UNCHANGED_BYTES, "{:,.0f}")
    for part, name, limit in (("files: ", "files", FILES_PEAK_BYTES), ("", "all", PEAK_BYTES)):
        peak = m.peak(part)
        yield _line(f"memory of rowkeep, the highest of {name}, MiB", "", peak and peak / MIB, limit / MIB, "{:.0f}")


def _line(work, base, value, limit, form):
    if value is None:
        return f"| {work} | {base} | not measured | {form.format(limit)} | |"
    verdict = "reached" if value <= limit else "**not reached**"
    return f"| {work} | {base} | {form.format(value)} | {form.format(limit)} | {verdict} |"


def _before(m):
    """What is measured of both builds. The machine's speed varies, so a ratio is the median of those within rounds."""
    lines = []
    for name, now in m.samples.items():
        earlier = m.samples.get(name.replace(": rowkeep ", ": earlier "))
        if ": rowkeep " not in name or not earlier:
            continue
        ratios = [ours / theirs for ours, theirs in zip(now.seconds, earlier.seconds)]
        ratio = statistics.median(ratios)
        processor = statistics.median(now.cpu_seconds) / statistics.median(earlier.cpu_seconds)
        limit = FASTER.get(name, AS_BEFORE)
        verdict = "reached" if ratio <= limit else "**not reached**"
        every = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        seconds = f"{statistics.median(earlier.seconds):.2f} | {m.seconds(name):.2f}"
        lines.append(f"| {name} | {seconds} | {ratio:.2f} | {every} | {processor:.2f} | {limit:.2f} | {verdict} |")
    head = ["| work | earlier, s | now, s | ratio | in each round | of processor time | at most | |", "|" + "---|" * 8]
    return lines and head + lines


def _absolute(m):
    for name, samples in m.samples.items():
        every = ", ".join(f"{s:.2f}" for s in samples.seconds)
        stored = m.stored(name)
        stored = "" if stored is None else f"{stored / 1e6:.3f}"
        peak = f"{max(samples.peak_bytes) / MIB:.0f}" if samples.peak_bytes else ""
        yield f"| {name} | {m.seconds(name):.2f} | {every} | {stored} | {peak} |"
