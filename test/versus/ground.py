"""The ground that contestants stand on: two network namespaces of this run, two veth pairs, two sets of cores. Needs root.

    load: client and origin                                        gate: the contestant
    198.18.0.2 (and .32-.47 over AF_XDP) ──────── front ──────── kernel 198.18.0.1, Sluice 198.18.0.10
    198.18.1.2 (and .32-.47 over AF_XDP) ──────── back  ──────── kernel 198.18.1.1, Sluice 198.18.1.10

The contestant has the last cores alone, all else the others. README.md says how the kernel's work for a packet is kept on the core of whom it is for.
"""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time

CLIENT, ORIGIN = "198.18.0.2", "198.18.1.2"
GATE_FRONT, GATE_BACK = "198.18.0.1", "198.18.1.1"
SLUICE_FRONT, SLUICE_BACK = "198.18.0.10", "198.18.1.10"
LOAD_FRONT, LOAD_BACK = [[f"198.18.{n}.{host}" for host in range(32, 48)] for n in (0, 1)]
ORIGIN_PORT, FRONT_PORT = 8080, 443
KERNEL_ORIGINS = [f"{ORIGIN}:{ORIGIN_PORT}"]  # nginx
LINKS = {"front": ("198.18.0.1/24", "198.18.0.2/24"), "back": ("198.18.1.1/24", "198.18.1.2/24")}
SIDES = ("gate", "load")
OFFLOADS = ("tx", "tso", "gso", "gro", "rx")


def load_origins(connections):
    """sluice-load's: from one address to one of these there are 64 K connections, of which some are on their way out and some are to be left free."""
    of = [f"{a}:{ORIGIN_PORT + n}" for n in (0, 1) for a in LOAD_BACK]
    return of[:max(4, connections // 32000)]



class Trouble(Exception):
    """The machine or a program does not do what was asked; the text is for people."""


def said(*command, ok=True, timeout=30):
    """What a command wrote; with ok it must succeed."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
    if ok and done.returncode:
        raise Trouble(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def until(holds, timeout_s, what):
    """Polls a condition that will come true, and returns it; the limit only bounds a failure."""
    end = time.monotonic() + timeout_s
    while not (it := holds()):
        if time.monotonic() > end:
            raise Trouble(f"did not happen within {timeout_s} s: {what}")
        time.sleep(0.02)
    return it


def kernel_threads(prefix):
    """Process ids of threads of the kernel whose names begin so."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if (entry / "comm").read_text().startswith(prefix):
                found.append(int(entry.name))
    return found


def mask(cores):
    """A set of cores as the kernel writes it."""
    return f"{sum(1 << c for c in cores):x}"


def open_files():
    """As many as one may have: what is started here inherits it. Returns how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (1 << 21, 1 << 20, hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Ground:
    """Made by `with`; what stands or runs in it when that ends is removed. `state` is a folder for certificates, configurations and logs."""

    def __init__(self, gate_cores=1):
        every = sorted(os.sched_getaffinity(1))  # process 1 has them all; this one may have been moved
        if len(every) < gate_cores + 1:
            raise Trouble(f"{gate_cores} cores for the contestant and one for the rest are needed, this machine has {len(every)}")
        self.gate_cores, self.load_cores = every[-gate_cores:], every[:-gate_cores]
        self.tag = f"{os.getpid() % 100000:x}"
        self.ns = {side: f"sluice-versus-{self.tag}-{side}" for side in SIDES}
        self.state, self.files = None, 0
        self.own_cores = os.sched_getaffinity(0)
        self.programs = []

    def device(self, side, link):
        """An interface's name: that of its kernel thread comes from it, so it is this run's alone."""
        return f"{side[0]}{link[0]}{self.tag}"

    # ---- making and removing ----
    def __enter__(self):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix=f"sluice-versus-{self.tag}-", dir="/run"))
        os.chmod(self.state, 0o755)
        try:
            self.files = open_files()
            os.sched_setaffinity(0, self.load_cores)
            for side in SIDES:
                said("ip", "netns", "add", self.ns[side])
                said("ip", "-n", self.ns[side], "link", "set", "lo", "up")
                self.sysctl(side)
            for link in LINKS:
                self.make_link(link)
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def sysctl(self, side):
        """As a busy server is set up; peers and client alike. Reused local ports serve wrk, which opens connections from one address."""
        said("ip", "netns", "exec", self.ns[side], "sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1",
             "net.core.somaxconn=8192", "net.ipv4.tcp_max_syn_backlog=8192", "net.ipv4.tcp_fin_timeout=5", "net.ipv4.tcp_slow_start_after_idle=0",
             "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")

    def make_link(self, link):
        gate, load = (self.device(side, link) for side in SIDES)
        # One queue each: AF_XDP serves one on a veth.
        said("ip", "-n", self.ns["gate"], "link", "add", gate, "numtxqueues", 1, "numrxqueues", 1, "type", "veth",
             "peer", "name", load, "numtxqueues", 1, "numrxqueues", 1, "netns", self.ns["load"])
        for side, address in zip(SIDES, LINKS[link]):
            said("ip", "-n", self.ns[side], "addr", "add", address, "dev", self.device(side, link))
            said("ip", "-n", self.ns[side], "link", "set", self.device(side, link), "up")
            # A veth's ring has 256 places. With a queue before it the kernel waits when it is full, as before a card's; without one it throws away.
            said("tc", "-n", self.ns[side], "qdisc", "add", "dev", self.device(side, link), "root", "pfifo", "limit", 4096)

    def remove(self):
        os.sched_setaffinity(0, self.own_cores)
        for program in list(self.programs):
            self.end(program)
        for side in SIDES:
            if os.path.exists(f"/run/netns/{self.ns[side]}"):
                for pid in said("ip", "netns", "pids", self.ns[side], ok=False).split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                said("ip", "netns", "del", self.ns[side], ok=False)
        shutil.rmtree(self.state, ignore_errors=True)

    # ---- whose core runs what ----
    def reset(self):
        """Nobody's core runs what it need not. An interface takes the word `threaded` only while it has something to poll, and then remembers it: so GRO first."""
        for side in SIDES:
            self.offloads(side, ("gro",))
        self.steer("none")

    def steer(self, how, *sides):
        """Who receives runs its own stack: `rps` (the backlog of its core), `threaded` (a thread of its core polls), or `none`: the sender's core."""
        for side in sides or SIDES:
            cores = self.gate_cores if side == "gate" else self.load_cores
            for link in LINKS:
                self.write_sysfs(side, f"{self.device(side, link)}/queues/rx-0/rps_cpus", mask(cores) if how == "rps" else "0")
                if how != "rps":
                    self.write_sysfs(side, f"{self.device(side, link)}/threaded", "1" if how == "threaded" else "0")
            for pid in self.polling_threads(side):
                os.sched_setaffinity(pid, cores)

    def polled(self, side):
        """Whether an interface can be polled by a thread already: once it does GRO or has an XDP program."""
        with contextlib.suppress(Trouble):
            self.steer("threaded", side)
            return True
        return False

    def polling_threads(self, side):
        """Threads that poll a side's interfaces, present once there is something to poll (GRO or an XDP program)."""
        return [pid for link in LINKS for pid in kernel_threads(f"napi/{self.device(side, link)}-")]

    def write_sysfs(self, side, path, text):
        said("ip", "netns", "exec", self.ns[side], "sh", "-c", f"echo {text} >/sys/class/net/{path}")

    def offloads(self, side, on, off=()):
        """What the veth's end does without a card: large segments and unfilled checksums are a kernel's talk with a kernel."""
        for link in LINKS:
            words = [w for o in OFFLOADS for w in (o, "on" if o in on else "off") if o in on or o in off]
            said("ip", "netns", "exec", self.ns[side], "ethtool", "-K", self.device(side, link), *words)

    # ---- programs ----
    def wrapped(self, side, *command, cores=None):
        cores = cores or (self.gate_cores if side == "gate" else self.load_cores)
        return ["ip", "netns", "exec", self.ns[side], "taskset", "-c", ",".join(map(str, cores)), *map(str, command)]

    def run(self, side, *command, timeout=60, ok=True, good=(0,), meanwhile=None):
        """Runs a program to its end; it goes when time is up. With ok its status must be among the good ones. `meanwhile` is called once with it after its start."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            program = self.start(side, *command, out=out, err=err)
            try:
                if meanwhile:
                    meanwhile(program)
                program.wait(timeout)
            except subprocess.TimeoutExpired as e:
                raise Trouble(f"{command[0]} did not end within {timeout} s") from e
            finally:
                self.end(program)
            text = [(f.seek(0), f.read())[1] for f in (out, err)]
        if ok and program.returncode not in good:
            raise Trouble(f"{' '.join(map(str, command))}: exit {program.returncode}\n{text[0][-2000:]}{text[1][-2000:]}")
        return text[0]

    def start(self, side, *command, out=subprocess.DEVNULL, err=subprocess.DEVNULL):
        program = subprocess.Popen(self.wrapped(side, *command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, cwd=self.state)
        self.programs.append(program)
        return program

    def end(self, program, patience_s=5):
        """Asks the program and its children to end, and insists."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if program.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(program.pid, sign)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.wait(patience_s)
        with contextlib.suppress(ProcessLookupError):  # children that outlived it
            os.killpg(program.pid, signal.SIGKILL)
        if program in self.programs:
            self.programs.remove(program)
