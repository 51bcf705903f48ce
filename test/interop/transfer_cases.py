"""Bytes arrive whole, both ways, and a slow peer holds up its own stream only."""

import concurrent.futures
import os
import time

from lab import FRONT4, FRONT6, check, digest, until

SHAPES = ["1 worker", "2 workers"]


def download(lab, name, *args, timeout=120, **kw):
    with lab.scratch() as d:
        lab.curl(f"/{name}", "--output", d / "got", *args, timeout=timeout, **kw)
        check(digest(d / "got") == digest(lab.document(name)), f"{name} arrived changed")


def case_download_100_mb(lab):
    download(lab, "100m")


def case_download_100_mb_ipv6(lab):
    download(lab, "100m", address=FRONT6)


def upload(lab, name, *args, timeout=120, **kw):
    lab.curl(f"/upload/{name}-{os.getpid()}", "--upload-file", lab.document(name), "--fail", *args, timeout=timeout, **kw)
    stored = lab.state / "www" / "upload" / f"{name}-{os.getpid()}"
    check(digest(stored) == digest(lab.document(name)), f"{name} was stored changed")
    stored.unlink()


def case_upload_100_mb(lab):
    upload(lab, "100m")


def case_bulk_is_copied_nowhere(lab):
    opened, sealed = (lab.counter(f"tls.{name}") for name in ("records_opened", "records_sealed"))
    copied = [lab.counter(f"{room}.bytes_copied") for room in ("tls", "tcp")]
    download(lab, "100m")
    upload(lab, "100m")
    check([lab.counter(f"{room}.bytes_copied") for room in ("tls", "tcp")] == copied, "payload was copied")
    check(lab.counter("tls.records_opened") - opened > 6000, "the upload did not pass through records")
    check(lab.counter("tls.records_sealed") - sealed > 6000, "the download did not pass through records")


def case_plain_tcp_both_ways(lab):
    download(lab, "100m", scheme="http", port=80)
    upload(lab, "100m", scheme="http", port=80)


def case_many_sizes_at_once(lab):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(download, lab, name, address=address) for name in ("0", "1k", "64k", "1m") for address in (FRONT4, FRONT6)]
        for job in jobs:
            job.result()


def case_slow_reader_stalls_its_origin_and_nobody_else(lab):
    def resident_kib():
        with open(f"/proc/{lab.pid()}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    sent_before = lab.counter("net.rx_bytes")
    resident_before = resident_kib()
    slow = ("curl", "--silent", "--insecure", "--limit-rate", "20k", "--output", "/dev/null", f"https://{FRONT4}/100m")
    with lab.background("client", *slow), lab.background("client", *slow):
        until(lambda: lab.counter("proxy.pairs") >= 2, 10, "two slow downloads run")
        for _ in range(20):  # unheeded, the origin would send both files whole in this time
            download(lab, "1m")
            time.sleep(0.1)
        taken = lab.counter("net.rx_bytes") - sent_before
        check(taken < 38 << 20, "the origin was read far ahead of the slow clients", f"{taken} bytes received")
        check(resident_kib() - resident_before < 64 << 10, "memory grew", f"{resident_before} → {resident_kib()} KiB")
    until(lambda: lab.counter("proxy.pairs") == 0, 20, "pairs end when their clients are gone")
