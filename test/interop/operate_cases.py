"""What an operator does: check, reload, look inside, stop, kill, start again."""

import json
import os
import signal
import socket
import subprocess

from lab import check, run, until

SHAPES = ["1 worker", "2 workers"]


def case_stats_have_the_documented_shape(lab):
    lab.curl("/1k")
    stats = lab.stats()
    check(set(stats) >= {"workers", "counters", "drops"}, "keys", json.dumps(stats)[:500])
    check(len(stats["workers"]) == lab.workers, "one entry a worker")
    check(stats["counters"]["tls.handshakes"] >= 1, "handshakes counted")
    total = sum(w["counters"]["tls.handshakes"] for w in stats["workers"])
    check(total == stats["counters"]["tls.handshakes"], "totals are the sum of the workers")


def case_workers_split_their_time_by_step(lab):
    workers = json.loads(lab.ctl("workers", "--json").stdout)["workers"]
    check(len(workers) == lab.workers, "one entry a worker", str(workers))
    check(set(workers[0]["cycles"]) == {"rx", "tcp", "tls", "crypto", "proxy", "tx", "idle"}, "steps", str(workers[0]))


def telemetry(lab, command):
    """One question to DPDK's own socket; usertools/dpdk-telemetry.py asks so."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(10)
        s.connect(f"/run/dpdk/sluice-{lab.pid()}/dpdk_telemetry.v2")
        s.recv(65536)  # its greeting
        s.send(command.encode())
        return json.loads(s.recv(1 << 20))[command.split(",")[0]]


def case_telemetry_has_what_sluicectl_shows(lab):
    lab.curl("/1k")
    stats = lab.stats()
    counters = telemetry(lab, "/sluice/counters")
    check(set(counters) == {name.replace(".", "_") for name in stats["counters"]}, "names of counters", str(counters)[:500])
    check(counters["tls_handshakes"] == stats["counters"]["tls.handshakes"], "values", str(counters["tls_handshakes"]))
    check(set(telemetry(lab, "/sluice/drops,0")) == set(stats["drops"]), "names of drop reasons")
    check("crypto" in telemetry(lab, "/sluice/workers,0"), "steps")


def case_unknown_command_is_json_where_json_is_asked(lab):
    done = lab.ctl("nonsense", "--json", ok=False)
    check(done.returncode == 1 and "nonsense" in json.loads(done.stdout)["error"], "an object with the error", done.stdout)


def case_conns_lists_a_connection(lab):
    with lab.background("client", "curl", "--silent", "--insecure", "--limit-rate", "20k", "--output", "/dev/null", "https://198.18.0.10/1m"):
        until(lambda: any(c["local"] == "198.18.0.10:443" and c["state"] == "ESTABLISHED" for c in json.loads(lab.ctl("conns", "--json").stdout)["conns"]),
              10, "the connection is listed")


def case_all_workers_serve(lab):
    for _ in range(24):
        lab.curl("/1k")
    served = [w["counters"]["tls.handshakes"] for w in lab.stats()["workers"]]
    check(all(served), "a worker served nobody", str(served))


def reload_by(lab, how, text):
    path = lab.state / "sluice.yaml"
    path.write_text(text)
    return how()


def case_bad_reload_keeps_the_old_configuration(lab):
    path = lab.state / "sluice.yaml"
    good = path.read_text()
    try:
        done = reload_by(lab, lambda: lab.ctl("reload", ok=False), good + "\nlisteners_: []\n")
        check(done.returncode == 1, "exit status", str(done.returncode))
        line = len(good.splitlines()) + 2
        check(f"sluice.yaml:{line}:1: " in done.stdout + done.stderr, "file, line and column", done.stdout + done.stderr)
        lab.curl("/1k")
        os.kill(lab.pid(), signal.SIGHUP)
        until(lambda: f"sluice.yaml:{line}:1: " in lab.log(), 5, "SIGHUP logs the error")
        lab.curl("/1k")
    finally:
        path.write_text(good)
    check(lab.ctl("reload").returncode == 0, "the good file reloads")


def case_good_reload_serves_new_connections_and_keeps_old_ones(lab):
    path = lab.state / "sluice.yaml"
    good = path.read_text()
    with lab.background("client", "curl", "--silent", "--insecure", "--limit-rate", "200k", "--write-out", "%{size_download}", "--output", "/dev/null",
                        "https://198.18.0.10/1m") as old:
        until(lambda: lab.counter("proxy.pairs") >= 1, 10, "the old connection runs")
        try:
            reload_by(lab, lambda: lab.ctl("reload"), good.replace(":443", ":9443"))
            until(lambda: lab.curl("/1k", port=9443, ok=False).returncode == 0, 5, "the new listener serves")
            check(lab.curl("/1k", ok=False).returncode != 0, "the old listener is gone")
            out, _ = old.communicate(timeout=30)
            check(out.strip() == str(1 << 20), "the old connection finished", out)
        finally:
            path.write_text(good)
            lab.ctl("reload")
    lab.curl("/1k")


def case_reload_says_what_needs_a_restart(lab):
    path = lab.state / "sluice.yaml"
    good = path.read_text()
    try:
        done = reload_by(lab, lambda: lab.ctl("reload", ok=False), good.replace("idle: sleep", "idle: spin"))
        check(done.returncode == 1 and "restart" in done.stdout + done.stderr, "restart named", done.stdout + done.stderr)
    finally:
        path.write_text(good)


def case_check_mode_and_exit_statuses(lab):
    sluice = lab.build / "app/sluice/sluice"
    good = lab.state / "sluice.yaml"
    check(run([sluice, "-t", "-c", good]).returncode == 0, "a good file")
    bad = lab.state / "bad.yaml"
    bad.write_text(good.read_text().replace("upstream: app", "upstream: ap"))
    done = run([sluice, "-t", "-c", bad], ok=False)
    check(done.returncode == 1 and 'bad.yaml:' in done.stderr and '"app"' in done.stderr, "the nearest match", done.stderr)
    bad.write_text(good.read_text().replace("key: site.key", "key: site-rsa.key").replace("idle: sleep", "idle: slep"))
    done = run([sluice, "-t", "-c", bad], ok=False)
    check("does not match" in done.stderr and '"slep"' in done.stderr, "a key of another certificate and a typing error in one run", done.stderr)
    check(run([sluice, "--no-such"], ok=False).returncode == 2, "usage")
    missing = lab.state / "missing.yaml"
    missing.write_text(good.read_text().replace("af_xdp:", "af_xdp:no"))
    done = lab.exec("sluice", sluice, "-c", missing, ok=False)
    check(done.returncode == 3, "a device that is not there is the machine's fault", f"{done.returncode} {done.stderr[-1000:]}")


def traces(lab):
    """What a stopped appliance must not leave: programs on the interfaces, its socket."""
    found = [line for line in lab.exec("sluice", "ip", "-details", "link").stdout.splitlines() if "xdp" in line]
    return found + ([str(lab.state / "sluice.sock")] if (lab.state / "sluice.sock").exists() else [])


def case_sigterm_drains_and_leaves_nothing(lab):
    pid = lab.pid()
    huge_before = huge_pages_in_use()
    with lab.background("client", "curl", "--silent", "--insecure", "--limit-rate", "400k", "--write-out", "%{size_download}", "--output", "/dev/null",
                        "https://198.18.0.10/1m") as slow:
        until(lambda: lab.counter("proxy.pairs") >= 1, 10, "a download runs")
        os.kill(pid, signal.SIGTERM)
        until(lambda: lab.curl("/1k", "--max-time", "2", ok=False).returncode != 0, 5, "no new connections")
        out, _ = slow.communicate(timeout=30)
        check(out.strip() == str(1 << 20), "the running download finished", out)
    until(lambda: not os.path.exists(f"/proc/{pid}"), 40, "the process ends")
    exit_file = lab.state / "sluice.exit"
    until(exit_file.exists, 5, "the lab notes the exit status")
    check(exit_file.read_text().strip() == "0", "exit status", exit_file.read_text())
    check(not traces(lab), "left behind", str(traces(lab)))
    check(huge_pages_in_use() <= huge_before, "hugepages left behind")
    lab.down()


def huge_pages_in_use():
    with open("/proc/meminfo", encoding="ascii") as f:
        values = {line.split(":")[0]: int(line.split()[1]) for line in f if line.startswith("HugePages_")}
    return values["HugePages_Total"] - values["HugePages_Free"]


def case_starts_again_after_kill_9(lab):
    pid = lab.pid()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "the process ends")
    check(lab.command("status", ok=False).returncode != 0, "status tells that it is down")
    lab.up()
    lab.curl("/1k")
