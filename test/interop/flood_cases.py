"""A flood of SYNs from addresses that nobody has, beside clients that mean it."""

from bad_link import honest_clients, restart, syn_flood
from lab import TOP, check

SHAPES = ["1 worker"]
CONFIG = TOP / "test/interop/flood.yaml"
CLIENTS = 200


def flood(lab, rate, seconds):
    """The clients come eight at a time; each has so many seconds for all of its connection."""
    before = lab.stats()["counters"]
    with syn_flood(lab, 80, rate) as attacker:
        seen = honest_clients(lab, 80, CLIENTS, 8, seconds)
    after = lab.stats()["counters"]
    check(len(seen["answer_ms"]) == CLIENTS, f"clients with an answer: {len(seen['answer_ms'])} of {CLIENTS}", "\n".join(seen["failures"][:5]))
    check(attacker.did["sent"] > 4096, "it was a flood", str(attacker.did))
    check(after["tcp.cookies_sent"] > before["tcp.cookies_sent"], "cookies were sent")
    check(after["tcp.cookies_accepted"] > before["tcp.cookies_accepted"], "and came back with the clients")
    check(after["tcp.conns"] < 4096, "the flood left nothing behind", str(after["tcp.conns"]))


def case_200_clients_connect_under_a_syn_flood(lab):
    restart(lab, CONFIG)
    try:
        flood(lab, 50000, 15)
    finally:
        restart(lab, None)


def case_200_clients_connect_under_all_the_syns_that_the_device_takes(lab):
    """SYNs of clients are lost too, before Sluice sees them; who was not answered asks again after 1, 2 and 4 seconds."""
    restart(lab, CONFIG)
    try:
        flood(lab, 0, 30)
    finally:
        restart(lab, None)
