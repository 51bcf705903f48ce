"""One interface shared with the kernel: Sluice's addresses are Sluice's, the rest is the kernel's."""

from lab import FRONT4, FRONT6, KERNEL_FRONT4, TOP, check

SHAPES = ["1 worker"]
PEERS = TOP / "test" / "interop" / "peers"


def ping(lab, address):
    return lab.exec("client", "ping", "-n", "-c", "3", "-i", "0.2", "-W", "2", address).stdout


def case_both_answer_pings(lab):
    for address in (FRONT4, FRONT6, KERNEL_FRONT4, "2001:db8:1::1"):
        check(" 0% packet loss" in ping(lab, address), f"ping {address}")


def case_large_pings_are_answered(lab):
    for address in (FRONT4, FRONT6):
        lab.exec("client", "ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "-s", "1400", address)


def case_kernel_connections_go_on_while_sluice_serves(lab):
    """A chatty connection to the interface's own kernel address, as SSH would be, beside HTTPS."""
    with lab.background("sluice", "python3", PEERS / "echo_server.py", KERNEL_FRONT4, "22") as server:
        check(server.stdout.readline().strip() == "ready", "echo server did not start")
        with lab.background("client", "python3", PEERS / "echo_client.py", KERNEL_FRONT4, "22", "100") as chat:
            for _ in range(5):
                lab.curl("/1m", "--output", "/dev/null")
            out, _ = chat.communicate(timeout=30)
            check(out.strip() == "100 echoed", "the kernel's connection", out)


def case_kernel_does_not_answer_for_sluice(lab):
    """A port that Sluice does not listen on is refused by Sluice, and counted there."""
    before = lab.counter("tcp.rst_sent")
    done = lab.curl("/", scheme="http", port=9999, ok=False)
    check(done.returncode == 7, "connection refused expected", f"{done.returncode} {done.stderr}")
    check(lab.counter("tcp.rst_sent") > before, "Sluice sent the RST")
