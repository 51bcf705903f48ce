"""Sluice as a contestant: over AF_XDP on the veths, for the clients that all share, or over memif, for sluice-load alone."""

import json

import ground
from ground import Trouble, said, until

DEVICES = {"af_xdp": "af_xdp:{device}", "memif": "memif:role=server,socket={state}/{link}.memif,socket-abstract=no,id=0,rsize=11"}


def yaml(the_ground, certificate, device, idle, connections, origins):
    """The configuration: everything as it comes, but for what the bench is about."""
    state = the_ground.state
    front, back = (DEVICES[device].format(device=the_ground.device("gate", link), state=state, link=link) for link in ("front", "back"))
    servers = json.dumps(list(origins))
    return f"""dpdk: {{ hugepages: auto, memory: 512M }}
workers: {{ cores: {json.dumps(the_ground.gate_cores)}, idle: {idle} }}
limits: {{ connections: {connections} }}
control: {{ socket: {state}/sluice.sock }}
interfaces:
  - {{ name: front, device: "{front}", addresses: [{ground.SLUICE_FRONT}/24] }}
  - {{ name: back, device: "{back}", addresses: [{ground.SLUICE_BACK}/24] }}
certificates: [{{ name: site, chain: {state}/{certificate}.crt, key: {state}/{certificate}.key }}]
tls: [{{ name: same, versions: [1.3], suites: [aes128-gcm], groups: [x25519] }}]
upstreams: [{{ name: origin, servers: {servers} }}]
listeners: [{{ name: https, address: "{ground.SLUICE_FRONT}:{ground.FRONT_PORT}", certificates: [site], tls: same, upstream: origin, idle_timeout: 1h, backlog: 8192 }}]
"""


class Running:
    """A Sluice that runs in the gate's namespace."""

    address, cycles_known, name = ground.SLUICE_FRONT, True, "sluice"

    def __init__(self, the_ground, build, certificate="p256", device="af_xdp", idle="sleep", connections=65536, origins=tuple(ground.KERNEL_ORIGINS)):
        program = build / "app/sluice/sluice"
        if not program.exists():
            raise Trouble(f"{program} is not built")
        self.ground, self.ctl = the_ground, build / "app/sluicectl/sluicectl"
        conf = the_ground.state / "sluice.yaml"
        conf.write_text(yaml(the_ground, certificate, device, idle, connections, origins))
        self.log = the_ground.state / "sluice.log"
        with open(self.log, "w", encoding="utf-8") as out:
            # Its worker pins itself; its control thread is not to sit on the worker's core.
            self.program = the_ground.start("gate", "taskset", "-c", ",".join(map(str, the_ground.load_cores + the_ground.gate_cores)), program, "-c", conf, out=out, err=out)
        until(self.answers, 30, "Sluice answers on its control socket")

    def check_alive(self):
        if self.program.poll() is not None:
            raise Trouble(f"Sluice ended with status {self.program.returncode}: {self.log.read_text(errors='replace')[-1500:]}")

    def ask(self, command, ok=True):
        return said(self.ctl, "-s", self.ground.state / "sluice.sock", command, "--json", ok=ok)

    def answers(self):
        self.check_alive()
        return self.ask("version", ok=False) != ""

    def cycles(self):
        """(cycles in a second, {step: cycles} of all workers together)."""
        answer = json.loads(self.ask("workers"))
        steps = {}
        for worker in answer["workers"]:
            for step, n in worker["cycles"].items():
                steps[step] = steps.get(step, 0) + n
        return answer["hz"], steps

    def counters(self):
        return json.loads(self.ask("stats"))["counters"]

    def pids(self):
        return [int(p) for p in said("ip", "netns", "pids", self.ground.ns["gate"]).split()]

    def end(self):
        self.ground.end(self.program, 10)


def prepare(the_ground, how):
    """Before it starts. The kernel at the other end fills checksums, and sends no segment that is larger than a packet."""
    the_ground.reset()
    small = how == "threaded"
    the_ground.offloads("load", ("gro", "rx") if small else ("rx",), ("tx", "tso", "gso") if small else ("tx", "tso", "gso", "gro"))
    the_ground.offloads("gate", (), ("tso", "gso", "gro"))
    the_ground.steer(how, "load")


def prepare_for_xdp(the_ground):
    """Before it starts, where the other end has no kernel either."""
    the_ground.reset()
    for side in ground.SIDES:
        the_ground.offloads(side, (), ("tx", "tso", "gso", "gro"))


def prepare_started(the_ground):
    """Once its XDP program is there, a thread of its own core runs that, as the kernel's receiving is on the rivals' core. Not beside a worker that spins."""
    the_ground.steer("threaded", "gate")
