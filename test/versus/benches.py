"""What is measured against other programs: a row each. scripts/bench lists them beside its own."""

import collections

# text: what it shows; close: a connection for each operation; get, put: bytes; certificate: see papers.py; steer: see Ground.steer and the README;
# clients: who can ask for it; aim: {way of asking Sluice: how many times less than the best rival it is to cost}
Bench = collections.namedtuple("Bench", "text connections close get put certificate steer clients aim")

WRK, LOAD, MEMIF = "wrk", "sluice-load over AF_XDP", "sluice-load over memif"
ALL = (WRK, LOAD, MEMIF)
FULL = ("ab", LOAD, MEMIF)  # wrk takes up its sessions again

BENCHES = {
    "handshake": Bench("a connection each with a full TLS 1.3 handshake (P-256) and one small request", 64, True, 100, 0, "p256", "threaded", FULL, {"AF_XDP": 6, "memif": 6}),
    "handshake-rsa": Bench("the same with an RSA-2048 certificate", 64, True, 100, 0, "rsa", "threaded", FULL, {"AF_XDP": 4, "memif": 4}),
    "resume": Bench("the same, handshakes resumed by tickets", 64, True, 100, 0, "p256", "threaded", ALL, {"AF_XDP": 6, "memif": 6}),
    "request": Bench("small requests on kept connections", 64, False, 100, 0, "p256", "threaded", ALL, {"AF_XDP": 3, "memif": 8}),
    "bulk": Bench("answers of 1 MiB on kept connections", 8, False, 1 << 20, 0, "p256", "rps", ALL, {"memif": 4}),
    "upload": Bench("uploads of 1 MiB on kept connections", 8, False, 0, 1 << 20, "p256", "rps", ALL, {}),
    "latency": Bench("time of small requests at half of what the slowest bears, open loop, to p99.99", 64, False, 100, 0, "p256", "threaded", ("h2load", LOAD, MEMIF), {}),
    "idle": Bench("memory of connections on which nothing happens", 2000, False, 100, 0, "p256", "threaded", ("hold", LOAD, MEMIF), {"AF_XDP": 20}),
    "workers": Bench("small requests with 1, 2, ... workers, as many as there are cores beside the client's", 64, False, 100, 0, "p256", "threaded", (WRK,), {}),
}
