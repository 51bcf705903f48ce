"""The lab as the tests see it: scripts/lab behind a few calls, and the peers' programs run in its namespaces with a time limit."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
LAB = TOP / "scripts" / "lab"

FRONT4, FRONT6 = "198.18.0.10", "2001:db8:1::10"
ORIGIN4, ORIGIN6 = "198.18.1.2", "2001:db8:2::2"
KERNEL_FRONT4 = "198.18.0.1"
SITE = "site.test"


class Failure(AssertionError):
    """A check that did not hold, with what was seen instead."""


def check(holds, what, seen=""):
    if not holds:
        raise Failure(f"{what}\n{seen}" if seen else what)


def run(command, timeout=60, ok=True, data=None, text=True):
    """Runs a command to its end. With ok it must exit 0."""
    done = subprocess.run([str(c) for c in command], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, text=text,
                          stdin=None if data is not None else subprocess.DEVNULL, check=False)
    if ok and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def until(holds, timeout_s, what):
    """Polls a condition that will come true; the limit only bounds a failure."""
    end = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > end:
            raise Failure(f"did not happen within {timeout_s} s: {what}")
        time.sleep(0.05)


def shapes(*names):
    """For a case that needs fewer shapes of the lab than its module has."""
    def mark(function):
        function.shapes = names
        return function

    return mark


class Lab:
    """One running lab. `state` is its folder: certificates, logs, the origin's documents."""

    def __init__(self, build, workers=1, config=None, name="test", sanitized=False):
        self.env = dict(os.environ, SLUICE_LAB=name, SLUICE_BUILD=str(build))
        self.build, self.workers, self.config, self.sanitized = pathlib.Path(build).resolve(), workers, config, sanitized
        self.state = pathlib.Path(self.command("state-dir").stdout.strip())

    def command(self, *args, timeout=90, ok=True):
        done = subprocess.run([str(LAB), *map(str, args)], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout, text=True, check=False)
        if ok and done.returncode != 0:
            raise Failure(f"lab {' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}")
        return done

    def up(self):
        args = ["up", "--workers", self.workers]
        if self.config:
            args += ["--config", self.config]
        self.command(*args)

    def down(self):
        return self.command("down", ok=False)

    def exec(self, host, *command, **kw):
        return run(["env", f"SLUICE_LAB={self.env['SLUICE_LAB']}", LAB, "exec", host, *command], **kw)

    @contextlib.contextmanager
    def background(self, host, *command):
        """A program that runs beside the test; ended by its process group."""
        p = subprocess.Popen([str(LAB), "exec", host, *map(str, command)], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            yield p
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGTERM)
            try:
                p.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                p.communicate()

    # ---- the appliance ----
    def pid(self, what="sluice"):
        return int((self.state / f"{what}.pid").read_text())

    def log(self):
        return (self.state / "sluice.log").read_text(errors="replace")

    def ctl(self, *args, ok=True):
        return run([self.build / "app/sluicectl/sluicectl", "-s", self.state / "sluice.sock", *args], ok=ok)

    def stats(self):
        return json.loads(self.ctl("stats", "--json").stdout)

    def counter(self, name):
        return self.stats()["counters"][name]

    # ---- the client ----
    def curl(self, path, *args, host=SITE, address=FRONT4, port=443, scheme="https", **kw):
        address = f"[{address}]" if ":" in address else address
        return self.exec("client", "curl", "--silent", "--show-error", "--max-time", "60", "--cacert", self.state / "ca.crt", "--noproxy", "*",
                         "--resolve", f"{host}:{port}:{address}", *args, f"{scheme}://{host}:{port}{path}", **kw)

    def document(self, name):
        return self.state / "www" / name

    @contextlib.contextmanager
    def scratch(self):
        d = tempfile.mkdtemp(prefix="sluice-test-")
        try:
            os.chmod(d, 0o755)
            yield pathlib.Path(d)
        finally:
            shutil.rmtree(d, ignore_errors=True)


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()
