#!/usr/bin/env python3
"""Goodput over a bad link, Sluice beside the kernel. `scripts/bench loss` runs it; needs root.

One client, one link, two servers behind the link's other end: Sluice on 198.18.0.10, which fetches from the origin (`protocol: tcp`), and an nginx on
the kernel's own 198.18.0.1, which has the documents itself. So Sluice does more, and the recovery of lost segments is what differs: TCP that sends
is the server's in a download, the client's kernel in an upload. Both in turns, in one run; segments are lost at random on both ways. Offloads are off.
"""

import contextlib
import os
import signal

from bad_link import PERCENT, bad_link, frames_only
from bench_report import options, report, rounds, running, spread
from lab import FRONT4, KERNEL_FRONT4, until

SERVERS = {"kernel": KERNEL_FRONT4, "sluice": FRONT4}
MB = 1 << 20
# Loss in a million, megabytes of a transfer: what takes some seconds.
RATES = [(0, 100), (PERCENT // 10, 100), (1 * PERCENT, 100), (5 * PERCENT, 16)]
WAYS = ["download", "upload"]


def name(ppm):
    return f"{ppm / PERCENT:g} %"


@contextlib.contextmanager
def kernel_server(lab):
    """nginx in the middle, with the documents of the origin."""
    folder = lab.state / "middle"
    folder.mkdir()
    temporary = "\n".join(f"  {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(f"""user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
  access_log off;
  sendfile on;
  client_max_body_size 0;
{temporary}
  server {{ listen {KERNEL_FRONT4}:80; root {lab.state}/www; location /upload/ {{ dav_methods PUT; }} }}
}}
""")
    lab.exec("sluice", "nginx", "-c", folder / "nginx.conf", "-p", folder)
    pid = folder / "nginx.pid"
    until(lambda: pid.exists() and pid.read_text().strip(), 5, "nginx runs in the middle")
    try:
        yield
    finally:
        os.kill(int(pid.read_text()), signal.SIGTERM)


def transfer(lab, way, address, megabytes):
    """Megabytes a second."""
    document = lab.document(f"{megabytes}m")
    if not document.exists():
        with open(lab.document("100m"), "rb") as f:
            document.write_bytes(f.read(megabytes * MB))
    what = ("--output", "/dev/null") if way == "download" else ("--upload-file", document, "--header", "Expect:")
    path = f"/{document.name}" if way == "download" else f"/upload/{document.name}"
    done = lab.exec("client", "curl", "--silent", "--show-error", "--fail", "--max-time", 600, *what, "--write-out", "%{stderr}%{time_total}",
                    f"http://{address}{path}", timeout=620)
    return megabytes * MB / 1e6 / float(done.stderr.strip())


def main():
    chosen = options(__doc__, 5)
    rates = [(ppm, 1 if chosen.quick else megabytes) for ppm, megabytes in RATES]
    got = {}
    with running(chosen.build) as lab, kernel_server(lab), frames_only(lab, "sluice", "veth-front"):
        lab.exec("sluice", "ethtool", "-K", "veth-front", "tx", "off")
        for n in rounds(chosen):
            for ppm, megabytes in rates:
                for who in sorted(SERVERS, reverse=n % 2 == 1):
                    for way in WAYS:
                        with bad_link(lab, lose=ppm) as link:
                            got.setdefault((way, ppm, who), []).append(transfer(lab, way, SERVERS[who], megabytes))
                        if ppm * link.did["out"]["seen"] > 50e6 and not link.did["out"]["lost"] + link.did["in"]["lost"]:
                            raise SystemExit(f"nothing was lost: {link.did}")
    report("loss", [{"way": way, "loss": name(ppm), "megabytes": megabytes, "who": who, "mb_per_s": spread(got[way, ppm, who])}
                    for way in WAYS for ppm, megabytes in rates for who in SERVERS])


if __name__ == "__main__":
    main()
