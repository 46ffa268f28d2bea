"""Runs a command, measures it, keeps what was measured."""

import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1024 * 1024


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def fail(text):
    sys.exit(f"bench: {text}")


def run(argv, **options):
    """Runs a command that must succeed, unmeasured, and returns what it printed."""
    done = subprocess.run(
        [str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    if done.returncode != 0:
        fail(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
    return done.stdout


def shell(script):
    """The arguments that run a script of the shell in which no part of a pipe fails unseen."""
    return ["bash", "-euo", "pipefail", "-c", script]


def size_of(path):
    """Bytes in a file, or in all files of a folder."""
    path = Path(path)
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size


@dataclass
class Samples:
    """One kind of work, measured once a round."""

    seconds: list = field(default_factory=list)
    stored_bytes: list = field(default_factory=list)
    peak_bytes: list = field(default_factory=list)
    # Processor time of the process and those that it waited for, not of a server.
    cpu_seconds: list = field(default_factory=list)


class Measurements:
    """Samples by the name of the work, in the order in which they were first taken."""

    def __init__(self):
        self.samples = {}

    def seconds(self, name):
        return self._median(name, "seconds")

    def stored(self, name):
        return self._median(name, "stored_bytes")

    def peak(self, part=""):
        """The highest peak of memory of a part, or of all, but of an earlier build."""
        ours = (s for name, s in self.samples.items() if name.startswith(part) and ": earlier " not in name)
        return max((peak for s in ours for peak in s.peak_bytes), default=None)

    def _median(self, name, what):
        values = getattr(self.samples[name], what) if name in self.samples else []
        return statistics.median(values) if values else None

    def take(self, name, argv, stored=None, peak=False, ends=(0,)):
        """Runs a command that must end with one of these statuses; keeps its wall time and the bytes it stored.

        `stored` is a path, or a function that gives the bytes after the command. `peak` keeps memory and processor time too, which
        means something for a single program only: it is that of the one process that is started here.
        """
        # What was written before must not be paid by this command.
        os.sync()
        begin = time.monotonic()
        process = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in ends:
            fail(f"{name}: {' '.join(map(str, argv))} ended with {process.returncode}")

        samples = self.samples.setdefault(name, Samples())
        samples.seconds.append(seconds)
        text = f"{name}: {seconds:.2f} s"
        if stored is not None:
            samples.stored_bytes.append(stored() if callable(stored) else size_of(stored))
            text += f", {samples.stored_bytes[-1]:,} bytes"
        if peak:
            samples.peak_bytes.append(usage.ru_maxrss * 1024)
            samples.cpu_seconds.append(usage.ru_utime + usage.ru_stime)
            text += f", {samples.cpu_seconds[-1]:.2f} s of processor time, peak {usage.ru_maxrss / 1024:.0f} MiB"
        say(text)
