"""A service that runs, and those who ask it."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode

from harness import MIB, fail

# How long is waited for an answer before something is wrong.
PATIENCE_SECONDS = 120


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Served:
    """`rowkeep serve` in a folder with its configuration, running while the `with` lasts."""

    def __init__(self, program, folder, state, *options):
        self.program, self.folder, self.state, self.options = program, Path(folder), Path(state), options
        self.log = self.state.with_suffix(".log")

    def __enter__(self):
        self.port = free_port()
        command = [self.program, "serve", "--listen", f"127.0.0.1:{self.port}", "--state", self.state, *self.options]
        with open(self.log, "w") as log:
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                [str(word) for word in command], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            fail(f"the service does not stop:\n{self.log.read_text()}")

    def wait(self):
        """Waits until it listens."""
        while time.monotonic() - self.began < PATIENCE_SECONDS:
            if self.process.poll() is not None:
                fail(f"the service ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except ConnectionRefusedError:
                time.sleep(0.001)
        fail(f"the service does not listen:\n{self.log.read_text()}")

    def made(self):
        """The token and the password that were made at the start."""
        while time.monotonic() - self.began < PATIENCE_SECONDS:
            text = self.log.read_text()
            token = re.search(r"rowkeep_[0-9a-f]{64}", text)
            password = re.search(r"has to be changed then:\n(\S+)", text)
            if token and password:
                return token[0], password[1]
            time.sleep(0.01)
        fail(f"the service says no token and password:\n{self.log.read_text()}")

    def memory(self):
        """The MiB that it has in memory of its own and its part of what others have too, and the most that it had at any time."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        kib = lambda name, text: int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1])
        return kib("Pss", rollup) * 1024 / MIB, kib("VmHWM", status) * 1024 / MIB

    def client(self, **headers):
        return Client(self.port, headers)


class Client:
    """Somebody who asks over one connection, with what he shows each time."""

    def __init__(self, port, headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self.headers = headers

    def send(self, method, path, body=None, form=None, expect=(200,)):
        headers = dict(self.headers)
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        if form is not None:
            data, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status not in expect:
            fail(f"{method} {path} is answered with {answer.status}: {content[:500]!r}")
        return answer, content

    def page(self, path):
        return self.send("GET", path)[1]

    def json(self, method, path, body=None, expect=(200,)):
        return json.loads(self.send(method, path, body, expect=expect)[1])

    def sign_in(self, password):
        """Signs in as the administrator; gives what the forms of the session have to bring."""
        answer, content = self.send("POST", "/api/v1/session", {"name": "admin", "password": password})
        self.headers["Cookie"] = answer.getheader("Set-Cookie").split(";")[0]
        return json.loads(content)["csrf"]


class Nginx:
    """nginx that serves the files of a folder, running while the `with` lasts."""

    CONFIG = """
worker_processes {cores};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100;
    default_type application/json;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""

    def __init__(self, folder):
        self.folder = Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "files").mkdir(parents=True)
        # Its workers are nobody when we are root.
        for parent in (self.folder, self.folder / "files"):
            parent.chmod(0o755)

    def __enter__(self):
        self.port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(self.CONFIG.format(folder=self.folder, port=self.port, cores=os.cpu_count()))
        self.process = subprocess.Popen(["nginx", "-c", config, "-e", self.folder / "nginx.log"], stderr=subprocess.DEVNULL)
        begin = time.monotonic()
        while time.monotonic() - begin < PATIENCE_SECONDS:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except ConnectionRefusedError:
                time.sleep(0.01)
        fail(f"nginx does not listen:\n{(self.folder / 'nginx.log').read_text()}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def put(self, name, content):
        (self.folder / "files" / name).write_bytes(content)


def wrk(url, seconds, token=None):
    """Requests a second over 64 connections, all of which have to be answered with 200."""
    command = ["wrk", "-t", "2", "-c", "64", "-d", f"{seconds}s", "--timeout", "30s"]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run([*command, url], capture_output=True, text=True)
    if done.returncode != 0 or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        fail(f"wrk {url}:\n{done.stdout}{done.stderr}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
