"""The data: TPC-H in a PostgreSQL cluster of our own and in an SQLite file, made once and kept."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from harness import fail, run, say

# Sections 1.4.1 and 1.4.2 of the TPC-H specification: columns, primary keys, foreign keys.
TABLES = {
    "region": (
        "r_regionkey integer NOT NULL, r_name char(25) NOT NULL, r_comment varchar(152)",
        "r_regionkey",
        {},
    ),
    "nation": (
        "n_nationkey integer NOT NULL, n_name char(25) NOT NULL, n_regionkey integer NOT NULL, n_comment varchar(152)",
        "n_nationkey",
        {"n_regionkey": "region"},
    ),
    "supplier": (
        "s_suppkey integer NOT NULL, s_name char(25) NOT NULL, s_address varchar(40) NOT NULL, "
        "s_nationkey integer NOT NULL, s_phone char(15) NOT NULL, s_acctbal numeric(15,2) NOT NULL, "
        "s_comment varchar(101) NOT NULL",
        "s_suppkey",
        {"s_nationkey": "nation"},
    ),
    "customer": (
        "c_custkey integer NOT NULL, c_name varchar(25) NOT NULL, c_address varchar(40) NOT NULL, "
        "c_nationkey integer NOT NULL, c_phone char(15) NOT NULL, c_acctbal numeric(15,2) NOT NULL, "
        "c_mktsegment char(10) NOT NULL, c_comment varchar(117) NOT NULL",
        "c_custkey",
        {"c_nationkey": "nation"},
    ),
    "part": (
        "p_partkey integer NOT NULL, p_name varchar(55) NOT NULL, p_mfgr char(25) NOT NULL, "
        "p_brand char(10) NOT NULL, p_type varchar(25) NOT NULL, p_size integer NOT NULL, "
        "p_container char(10) NOT NULL, p_retailprice numeric(15,2) NOT NULL, p_comment varchar(23) NOT NULL",
        "p_partkey",
        {},
    ),
    "partsupp": (
        "ps_partkey integer NOT NULL, ps_suppkey integer NOT NULL, ps_availqty integer NOT NULL, "
        "ps_supplycost numeric(15,2) NOT NULL, ps_comment varchar(199) NOT NULL",
        "ps_partkey, ps_suppkey",
        {"ps_partkey": "part", "ps_suppkey": "supplier"},
    ),
    "orders": (
        "o_orderkey integer NOT NULL, o_custkey integer NOT NULL, o_orderstatus char(1) NOT NULL, "
        "o_totalprice numeric(15,2) NOT NULL, o_orderdate date NOT NULL, o_orderpriority char(15) NOT NULL, "
        "o_clerk char(15) NOT NULL, o_shippriority integer NOT NULL, o_comment varchar(79) NOT NULL",
        "o_orderkey",
        {"o_custkey": "customer"},
    ),
    "lineitem": (
        "l_orderkey integer NOT NULL, l_partkey integer NOT NULL, l_suppkey integer NOT NULL, "
        "l_linenumber integer NOT NULL, l_quantity numeric(15,2) NOT NULL, l_extendedprice numeric(15,2) NOT NULL, "
        "l_discount numeric(15,2) NOT NULL, l_tax numeric(15,2) NOT NULL, l_returnflag char(1) NOT NULL, "
        "l_linestatus char(1) NOT NULL, l_shipdate date NOT NULL, l_commitdate date NOT NULL, "
        "l_receiptdate date NOT NULL, l_shipinstruct char(25) NOT NULL, l_shipmode char(10) NOT NULL, "
        "l_comment varchar(44) NOT NULL",
        "l_orderkey, l_linenumber",
        {"l_orderkey": "orders", "l_partkey, l_suppkey": "partsupp"},
    ),
}


class Cluster:
    """A PostgreSQL server on a free port, running while the `with` lasts."""

    # What PostgreSQL ships with, but for the ways to reach it.
    SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
"""

    def __init__(self, folder, bin, settings=""):
        self.folder, self.bin, self.settings = Path(folder), Path(bin), self.SETTINGS + settings
        # PostgreSQL refuses to run as root.
        self.user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []

    def create(self):
        self.folder.mkdir()
        if self.user:
            shutil.chown(self.folder, "nobody")
        self._server("initdb", "-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8")

    def __enter__(self):
        # A run that was killed leaves its server.
        if (self.folder / "postmaster.pid").exists():
            self._stop()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        # Written at every start, so that data that was made earlier is measured with the same settings.
        settings = self.folder / "bench.conf"
        settings.write_text(self.settings)
        options = f"-p {self.port} -c config_file='{settings}'"
        self._server("pg_ctl", "-l", self.folder / "log", "-o", options, "-w", "start")
        return self

    def __exit__(self, *_):
        self._stop()

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, database, *statements):
        """Runs statements one by one, each in its own transaction; returns what they print."""
        commands = [part for statement in statements for part in ("-c", statement)]
        return run([self.bin / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url(database), *commands], cwd="/")

    def databases(self):
        return self.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate").split()

    def recreate(self, database):
        self.drop(database)
        self.sql("postgres", f"CREATE DATABASE {database} TEMPLATE template0")

    def drop(self, database):
        self.sql("postgres", f"DROP DATABASE IF EXISTS {database}")

    def checkpoint(self):
        self.sql("postgres", "CHECKPOINT")

    def _stop(self):
        # A checkpoint of many files takes its time.
        self._server("pg_ctl", "-m", "fast", "-w", "-t", "600", "stop")

    def _server(self, program, *arguments):
        command = [*self.user, self.bin / program, "-D", self.folder, *arguments]
        # Into a file: a server that held our pipe would keep us waiting for its end.
        log = self.folder.with_name("control.log")
        with open(log, "w") as output:
            done = subprocess.run(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/"
            )
        if done.returncode != 0:
            fail(f"{program} failed:\n{log.read_text()}")


def tpch(cache, scale, bin):
    """The folder with TPC-H of this scale: `cluster` (database `tpch`), `tpch.sqlite` and its dump `tpch.sql`."""
    folder = cache / f"tpch-{scale}"
    if folder.exists():
        return folder
    say(f"making TPC-H at scale {scale} in {folder}")
    building = cache / f"tpch-{scale}.new"
    if building.exists():
        shutil.rmtree(building)
    building.mkdir()
    rows = building / "rows"
    run([_generator(cache), "tbl", "-q", "-s", scale, "-o", rows])
    _load_postgres(Cluster(building / "cluster", bin), rows)
    _load_sqlite(building / "tpch.sqlite", rows)
    run(["bash", "-c", f"sqlite3 '{building}/tpch.sqlite' .dump >'{building}/tpch.sql'"])
    shutil.rmtree(rows)
    # Last, so that half-made data is never taken for whole.
    building.rename(folder)
    return folder


def _generator(cache):
    program = cache / "venv" / "bin" / "tpchgen-cli"
    if not program.exists():
        run([sys.executable, "-m", "venv", cache / "venv"])
        run([cache / "venv" / "bin" / "pip", "install", "--quiet", "tpchgen-cli==4.0.0"])
    return program


def _without_last_bar(file):
    # Every line ends with a separator, which would read as one more column.
    return f"sed s/.$// {file}"


def _load_postgres(cluster, rows):
    cluster.create()
    with cluster:
        cluster.recreate("tpch")
        for name, (columns, _, _) in TABLES.items():
            say(f"loading {name} into PostgreSQL")
            cluster.sql("tpch", f"CREATE TABLE {name} ({columns})")
            source = _without_last_bar(rows / f"{name}.tbl")
            cluster.sql("tpch", f"\\copy {name} FROM PROGRAM '{source}' WITH (DELIMITER '|')")
        for name, (_, key, _) in TABLES.items():
            cluster.sql("tpch", f"ALTER TABLE {name} ADD PRIMARY KEY ({key})")
        for name, (_, _, references) in TABLES.items():
            for columns, other in references.items():
                cluster.sql("tpch", f"ALTER TABLE {name} ADD FOREIGN KEY ({columns}) REFERENCES {other}")
        cluster.sql("tpch", "VACUUM (FREEZE, ANALYZE)")


def _load_sqlite(file, rows):
    say("loading SQLite")
    script = [".bail on", "PRAGMA synchronous = off;", ".separator |"]
    for name, (columns, key, references) in TABLES.items():
        columns = columns.replace("numeric(15,2)", "REAL").replace(" date ", " TEXT ")
        if "," in key:
            columns += f", PRIMARY KEY ({key})"
        else:
            columns = columns.replace(f"{key} integer", f"{key} INTEGER PRIMARY KEY", 1)
        for foreign, other in references.items():
            columns += f", FOREIGN KEY ({foreign}) REFERENCES {other}"
        script.append(f"CREATE TABLE {name} ({columns});")
        source = _without_last_bar(rows / f"{name}.tbl")
        script.append(f".import '|{source}' {name}")
    run(["sqlite3", file], input="\n".join(script) + "\n")
