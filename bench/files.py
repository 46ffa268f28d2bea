"""Files of others in, files for others out: beside the programs that load, write and convert such files."""

import shutil
import sys

from data import TABLES, Cluster, tpch
from harness import fail, run, say, size_of
from live import CHANGED

READERS = ("duckdb==2.0.1", "pytz")

# TPC-H converted from files of CSV, as DuckDB does it by itself: types guessed, one file a table.
CONVERT = """
import duckdb, pathlib, sys
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.csv")):
    source = f"read_csv('{file}')"
    duckdb.sql(f"COPY (FROM {source}) TO '{sys.argv[2]}/{file.stem}.parquet' (FORMAT parquet, COMPRESSION zstd)")
"""

COUNT = """
import duckdb, pathlib, sys
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.parquet")):
    print(file.stem.split(".")[-1], duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchall()[0][0])
"""

# Dumps of so many days, between which one row of this many changes: 0.5 %.
DAYS = 30
ONE_OF = 200
DAILY_SCALE = "0.1"


def files(measured, cache, dumps, cluster, work, programs, number):
    """`dumps` is the folder of `daily_dumps`, `number` that of the round."""
    url = cluster.url("tpch")

    def take(name, argv, stored=None, peak=False):
        cluster.checkpoint()
        measured.take(f"files: {name}", argv, stored, peak)

    plain, custom = work / "plain.sql", work / "custom.dump"
    take("pg_dump", ["pg_dump", "-f", plain, url], plain)
    run(["pg_dump", "-Fc", "-f", custom, url])
    # Into a repository of its own each: what is stored already would cost less.
    repositories = [of.repository(work / f"{of.label}-plain") for of in programs]
    for repository in repositories:
        _import(take, repository, "plain", plain, url)
    for of in programs:
        _import(take, of.repository(work / f"{of.label}-custom"), "custom", custom, url)
    cluster.recreate("restored")
    target = cluster.url("restored")
    take("psql, plain", ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", target, "-f", plain])
    cluster.recreate("restored")
    take("pg_restore -j2, custom", ["pg_restore", "-j2", "-d", target, custom])
    plain.unlink()
    custom.unlink()
    for repository in repositories:
        _exports(take, cluster, repository, work, target, number)
    cluster.drop("restored")
    if repositories and repositories[0].writes("parquet"):
        _parquet(take, cache, repositories[0], work)
    for of in programs:
        _daily(take, dumps, of.repository(work / f"{of.label}-daily"))


def _import(take, repository, kind, file, url):
    """Imports a dump and proves that the snapshot has what the database has."""
    repository.measure(take, f"import, {kind}", "import", file, "--as", "tpch", stored=repository.added)
    run(repository.command("verify", "latest", "--against", url))


def _exports(take, cluster, repository, work, target, number):
    """The snapshot of the plain dump, written in each format; what was written is then looked at."""
    script = work / "export.sql"
    repository.measure(take, "export, SQL", "export", "latest", "--to", script, stored=lambda: size_of(script))
    # Loading takes longer than all the rest, so once will do.
    if number == 1:
        cluster.recreate("restored")
        run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", target, "-f", script])
        run(repository.command("verify", "latest", "--against", target))
    script.unlink()
    folder = work / "csv"
    repository.measure(take, "export, CSV", "export", "latest", "--to", folder, stored=lambda: size_of(folder))
    lines = {file.stem.split(".")[-1]: _lines(file) - 1 for file in folder.glob("*.csv")}
    rows = {table: int(cluster.sql("tpch", f"SELECT count(*) FROM {table}")) for table in TABLES}
    lines == rows or fail(f"files of CSV have {lines} rows instead of {rows}")


def _parquet(take, cache, repository, work):
    """The same rows as Parquet, beside DuckDB that makes Parquet of the files of CSV."""
    python = _duckdb(cache)
    csv, theirs, ours = work / "csv", work / "converted", work / "parquet"
    theirs.mkdir()
    take("DuckDB, CSV to Parquet", [python, "-c", CONVERT, csv, theirs], theirs)
    export = ("export", "latest", "--format", "parquet", "--to", ours)
    repository.measure(take, "export, Parquet", *export, stored=lambda: size_of(ours))
    counts = [run([python, "-c", COUNT, folder]) for folder in (ours, theirs)]
    counts[0] == counts[1] or fail(f"files of Parquet have other numbers of rows than those of CSV:\n{counts[0]}\n{counts[1]}")


def _daily(take, folder, repository):
    """A month of dumps of one database, which are imported in their order."""
    # Nothing runs here: what counts is the size.
    take("daily dumps, the first", ["true"], min(folder.iterdir()))
    take(f"daily dumps, {DAYS}", ["true"], folder)
    repository.measure(take, f"import of {DAYS} daily dumps", "import", "--all", folder, "--as", "daily", stored=repository.added)
    shutil.rmtree(repository.folder)


def daily_dumps(cache, bin):
    """A folder with the dumps, in the custom format; made once and kept."""
    folder = cache / f"daily-{DAILY_SCALE}-{DAYS}"
    if folder.exists():
        return folder
    say(f"making {DAYS} dumps")
    data = tpch(cache, DAILY_SCALE, bin)
    building = cache / f"{folder.name}.new"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    with Cluster(data / "cluster", bin) as cluster:
        cluster.recreate("daily")
        cluster.drop("daily")
        cluster.sql("postgres", "CREATE DATABASE daily TEMPLATE tpch")
        for day in range(1, DAYS + 1):
            run(["pg_dump", "-Fc", "-f", building / f"day-{day:02}.dump", cluster.url("daily")])
            for table, column in CHANGED.items():
                change = f"UPDATE {table} SET {column} = {column} + 1"
                cluster.sql("daily", f"{change} WHERE hash_record_extended({table}, {day}) % {ONE_OF} = 0")
        cluster.drop("daily")
    building.rename(folder)
    return folder


def _lines(file):
    return int(run(["wc", "-l", file]).split()[0])


def _duckdb(cache):
    """A Python with DuckDB."""
    folder = cache / "venv-duckdb"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "venv", folder])
        run([folder / "bin" / "pip", "install", "--quiet", *READERS])
        (folder / "ready").touch()
    return folder / "bin" / "python"
