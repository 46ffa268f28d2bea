"""What the service takes to start, to show its pages, to answer programs, and how much memory."""

import os
import platform
import re
import shutil
import statistics
import sys
import time
from pathlib import Path

from harness import MIB, run, say
from served import Nginx, Served, wrk
from world import LARGE, PASSWORD

PARTS = ("rest", "start", "overview", "reads", "compare")

# Requests of the overview, one after the other, with so many seconds between them as a person takes who looks at it.
OVERVIEWS = 200
BETWEEN_SECONDS = 0.1

# The table of which differing rows are shown.
TABLE = "lineitem"

START_SECONDS = 1.0
OVERVIEW_SECONDS = 0.1
READS = 3_000
OF_NGINX = 0.2
COMPARE_SECONDS = 1.0
REST_MIB = 60
WORLD_MIB = 150


class Figures:
    """Samples by name, one or more of each round."""

    def __init__(self):
        self.samples = {}

    def note(self, name, value, form="{:.3f}"):
        self.samples.setdefault(name, []).append(value)
        say(f"{name}: {form.format(value)}")

    def median(self, name):
        return statistics.median(self.samples[name]) if name in self.samples else None

    def write(self, out, world, options, load):
        """Puts the section into the page, in the place of the one that was there."""
        heading = "## The service"
        section = "\n".join([heading, "", *self._section(world, options, load), ""])
        page = out.read_text() if out.exists() else "# Measured\n"
        before, found, after = page.partition(heading + "\n")
        rest = re.search(r"^## ", after, re.M)
        after = after[rest.start():] if found and rest else ""
        out.write_text(before.rstrip() + "\n\n" + section + (f"\n{after}" if after else ""))

    def _section(self, world, options, load):
        model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
        yield (
            f"By `bench/service`: {options.databases} databases and TPC-H at scale {options.scale}, {world.snapshots:,} snapshots; "
            f"medians of {options.runs} rounds. {os.cpu_count()} cores, {model[1] if model else platform.machine()}; load of the machine before: {load:.1f}. "
            f"{run([world.program, '--version']).strip()}, nginx {_nginx_version()}."
        )
        yield ""
        yield "| work | all rounds | measured | limit | |"
        yield "|---|---|---|---|---|"
        yield self._line("start to the first overview, s", START_SECONDS)
        yield self._line("overview, 95th percentile, s", OVERVIEW_SECONDS)
        for name in self.samples:
            if name.startswith("reads: "):
                yield self._line(name, READS if name.endswith("a second") else OF_NGINX, is_least=True)
        yield self._line("compare, rows that differ, first time, s", COMPARE_SECONDS)
        yield self._line("compare, rows that differ, again, s", COMPARE_SECONDS)
        yield self._line("compare, tables that differ, s", None)
        yield self._line("memory at rest, MiB", REST_MIB)
        yield self._line("memory after all that, MiB", WORLD_MIB)
        yield self._line("memory at its highest, MiB", WORLD_MIB)

    def _line(self, name, limit, is_least=False):
        value = self.median(name)
        if value is None:
            return f"| {name} | | not measured | {limit or ''} | |"
        form = "{:,.0f}" if value >= 20 else "{:.3f}"
        every = ", ".join(form.format(sample) for sample in self.samples[name])
        if limit is None:
            return f"| {name} | {every} | {form.format(value)} | | |"
        reached = value >= limit if is_least else value <= limit
        bound = f"at {'least' if is_least else 'most'} {limit:,}"
        return f"| {name} | {every} | {form.format(value)} | {bound} | {'reached' if reached else '**not reached**'} |"


def _nginx_version():
    import subprocess

    return re.search(r"nginx/([\d.]+)", subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr)[1]


def measure(world, figures, options):
    """One round."""
    work = world.cache / "service-work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        if "rest" in options.only:
            rest(world, work, figures)
        state = world.copy_of_state(work / "state")
        cookie = signed_in(world, state)
        if "start" in options.only:
            start(world, state, cookie, figures)
        with world.serve(state) as served:
            browser = served.wait().client(Cookie=cookie)
            # What it looks at after its start is over, and so is the first look at everything.
            browser.page("/")
            if "overview" in options.only:
                overview(world, browser, figures)
            if "reads" in options.only:
                reads(world, served, work, options.seconds, figures)
            if "compare" in options.only:
                compare(world, served, cookie, figures)
            now, most = served.memory()
            figures.note("memory after all that, MiB", now, "{:.0f}")
            figures.note("memory at its highest, MiB", most, "{:.0f}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def rest(world, work, figures):
    """A service of one database with one snapshot that nobody asks for anything any more."""
    folder = work / "small"
    folder.mkdir()
    shutil.copyfile(world.folder / "databases" / f"{world.names[0]}.sqlite", folder / "shop.sqlite")
    text = 'repository = "repository"\nkey_file = "key"\n[databases.shop]\nurl = "shop.sqlite"\n'
    (folder / "rowkeep.toml").write_text(text)
    run([world.program, "init", "--key-file", "key"], cwd=folder)
    with Served(world.program, folder, folder / "state.db", "--new-token") as served:
        token, password = served.wait().made()
        user = served.client()
        user.sign_in(password)
        program = served.client(Authorization=f"Bearer {token}")
        program.json("POST", "/api/v1/databases/shop/backups?wait=60s")
        program.page("/api/v1/health")
        # What it looks at after a job is over then, and what that took has gone back to the system.
        time.sleep(25)
        figures.note("memory at rest, MiB", served.memory()[0], "{:.0f}")


def signed_in(world, state):
    """Signs in once; sessions outlive the process."""
    with world.serve(state) as served:
        user = served.wait().client()
        user.sign_in(PASSWORD)
        return user.headers["Cookie"]


def start(world, state, cookie, figures):
    """From the start of the process until the overview with all databases is there."""
    with world.serve(state) as served:
        page = served.wait().client(Cookie=cookie).page("/")
        seconds = time.monotonic() - served.began
        _complete(world, page)
        figures.note("start to the first overview, s", seconds)


def overview(world, browser, figures):
    taken = []
    for _ in range(OVERVIEWS):
        begin = time.monotonic()
        page = browser.page("/")
        taken.append(time.monotonic() - begin)
        time.sleep(BETWEEN_SECONDS)
    _complete(world, page)
    taken.sort()
    figures.note("overview, 95th percentile, s", taken[len(taken) * 95 // 100])
    say(f"overview: median {statistics.median(taken):.3f} s, longest {taken[-1]:.3f} s")


def _complete(world, page):
    """A page that lacks what it is about is no result."""
    text = page.decode()
    lacking = [name for name in world.names if f"/databases/{name}" not in text]
    if lacking or "unknown" in text:
        sys.exit(f"bench: the overview lacks {lacking[:3]} or does not know how they are")


def reads(world, served, work, seconds, figures):
    """What programs ask for, beside nginx with the same bytes in files."""
    paths = {
        "health": "/api/v1/health",
        "a database": f"/api/v1/databases/{world.names[7]}",
        "databases": "/api/v1/databases",
        "snapshots": f"/api/v1/databases/{world.names[7]}/snapshots",
        "jobs": "/api/v1/jobs",
    }
    token = world.made["token"]
    program = served.client(Authorization=f"Bearer {token}")
    with Nginx(work / "nginx") as nginx:
        for name, path in paths.items():
            content = program.page(path)
            file = name.replace(" ", "-")
            nginx.put(file, content)
            ours = wrk(f"http://127.0.0.1:{served.port}{path}", seconds, token)
            theirs = wrk(f"http://127.0.0.1:{nginx.port}/{file}", seconds)
            figures.note(f"reads: {name}, {len(content) / 1e3:.0f} kB: a second", ours, "{:,.0f}")
            figures.note(f"reads: {name}, {len(content) / 1e3:.0f} kB: of nginx", ours / theirs)
            say(f"nginx: {theirs:,.0f}; memory {served.memory()[0]:.0f} MiB")


def compare(world, served, cookie, figures):
    """Two snapshots of TPC-H: which tables differ, and the first rows of one that do."""
    program = served.client(Authorization=f"Bearer {world.made['token']}")
    listed = program.json("GET", f"/api/v1/databases/{LARGE}/snapshots")["snapshots"]
    after, before = listed[0]["id"], listed[1]["id"]
    browser = served.client(Cookie=cookie)
    path = f"/databases/{LARGE}/differences?before={before}&after={after}&table={TABLE}"
    for name in ("first time", "again"):
        begin = time.monotonic()
        page = browser.page(path).decode()
        figures.note(f"compare, rows that differ, {name}, s", time.monotonic() - begin)
        if "changed" not in page or "l_quantity" not in page:
            sys.exit("bench: the page shows no row that differs")
    csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', browser.page(f"/databases/{LARGE}").decode())[1]
    begin = time.monotonic()
    form = {"csrf": csrf, "before": before, "after": after}
    answer, _ = browser.send("POST", f"/databases/{LARGE}/comparisons", form=form, expect=(303,))
    page = browser.page(answer.getheader("Location")).decode()
    figures.note("compare, tables that differ, s", time.monotonic() - begin)
    if TABLE not in page or "/comparisons/" not in answer.getheader("Location"):
        sys.exit("bench: the comparison lacks a table")
