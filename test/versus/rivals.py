"""The other programs: of each the Debian package, the template of its configuration, and how it is started. All run in the foreground.

A rival more is a template in rivals/ and a row here; what all have in common (one core, no logs, TLS 1.3 with X25519 and AES-128-GCM) the harness checks by
`openssl s_client` before it measures.
"""

import collections
import re
import shutil

import ground
import papers
from ground import Trouble, said

Rival = collections.namedtuple("Rival", "package family template command version")

# Name: how it stands in --against, too; a family (nginx) stands for all of its rows.
RIVALS = {
    "nginx": Rival("nginx-light", "nginx", "nginx.conf", ["nginx", "-c", "@CONF@", "-p", "@STATE@"], ["nginx", "-v"]),
    "nginx-stream": Rival("libnginx-mod-stream", "nginx", "nginx-stream.conf", ["nginx", "-c", "@CONF@", "-p", "@STATE@"], ["nginx", "-v"]),
    "haproxy": Rival("haproxy", "haproxy", "haproxy.cfg", ["haproxy", "-db", "-q", "-f", "@CONF@"], ["haproxy", "-v"]),
    "haproxy-tcp": Rival("haproxy", "haproxy", "haproxy-tcp.cfg", ["haproxy", "-db", "-q", "-f", "@CONF@"], ["haproxy", "-v"]),
    "hitch": Rival("hitch", "hitch", "hitch.conf", ["hitch", "--config=@CONF@"], ["hitch", "--version"]),
}


def chosen(words):
    """Names of rivals for a list of names and families."""
    names = [n for n, r in RIVALS.items() if {n, r.family} & set(words)]
    unknown = set(words) - set(RIVALS) - {r.family for r in RIVALS.values()}
    if unknown:
        raise Trouble(f"no such rival: {', '.join(sorted(unknown))}; there are {', '.join(RIVALS)}")
    return names


def version(name):
    return re.sub(r"[^0-9]*([0-9][\w.+~-]*).*", r"\1", said("sh", "-c", f"{' '.join(RIVALS[name].version)} 2>&1").splitlines()[0])


class Running:
    """A rival that runs in the gate's namespace. What is asked of every contestant: address, pids(), cycles(), kind, end()."""

    address, cycles_known = ground.GATE_FRONT, False

    def __init__(self, the_ground, name, certificate="p256", buffer="16k", origins=tuple(ground.KERNEL_ORIGINS)):
        if shutil.which(RIVALS[name].command[0], path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is None:
            raise Trouble(f"{name} is not installed: scripts/setup --bench installs {RIVALS[name].package}")
        self.ground, self.name = the_ground, name
        state = the_ground.state
        conf = papers.fill(the_ground, RIVALS[name].template, origins, CERTIFICATE=state / f"{certificate}.pem", WORKERS=len(the_ground.gate_cores),
                           BUFFER=buffer)
        self.log = state / f"{name}.out"
        with open(self.log, "w", encoding="utf-8") as out:
            self.program = the_ground.start("gate", *[w.replace("@CONF@", str(conf)).replace("@STATE@", str(state)) for w in RIVALS[name].command], out=out, err=out)

    def check_alive(self):
        if self.program.poll() is not None:
            raise Trouble(f"{self.name} ended with status {self.program.returncode}: {self.log.read_text(errors='replace')[-1500:]}")

    def pids(self):
        return [int(p) for p in said("ip", "netns", "pids", self.ground.ns["gate"]).split()]

    def end(self):
        self.ground.end(self.program)


def prepare(the_ground, how):
    """Both ends are kernels: they may hand each other large segments and unfilled checksums."""
    the_ground.reset()
    small = how == "threaded"  # a veth polls only what comes without TSO
    for side in ground.SIDES:
        the_ground.offloads(side, ("tx", "rx", "gso", "gro") if small else ("tx", "rx", "gso", "tso"), ("tso",) if small else ("gro",))
    the_ground.steer(how)


def prepare_for_xdp(the_ground):
    """The load's end has no kernel: as sluice.prepare, the other way round."""
    the_ground.reset()
    the_ground.offloads("gate", ("gro", "rx"), ("tx", "tso", "gso"))
    the_ground.offloads("load", (), ("tso", "gso", "gro"))
    the_ground.steer("threaded", "gate")
