"""The machine that a report was made on, and what else it did meanwhile."""

import os
import pathlib
import re
import subprocess
import threading

TOP = pathlib.Path(__file__).resolve().parents[2]
FLAGS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512ifma": "IFMA", "vaes": "VAES", "vpclmulqdq": "VPCLMULQDQ", "sha_ni": "SHA-NI", "gfni": "GFNI"}
VERSIONS = {
    "DPDK": ["pkg-config", "--modversion", "libdpdk"], "OpenSSL": ["openssl", "version"], "nginx": ["nginx", "-v"], "HAProxy": ["haproxy", "-v"],
    "hitch": ["hitch", "--version"], "wrk": ["wrk", "-v"], "h2load": ["h2load", "--version"],
}


def said(*command):
    """Some tell their version on stderr, and some with an exit status."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def version(text):
    found = re.search(r"\d+\.\d+(\.\d+)*[\w.~+-]*", text)
    return found.group(0) if found else None


def mbedtls():
    """The build takes the newest archive that scripts/setup has fetched."""
    found = [version(p.name.removesuffix(".orig.tar.bz2")) for p in (TOP / "subprojects" / "packagecache").glob("mbedtls_*.orig.tar.bz2")]
    return max((v for v in found if v), key=lambda v: [int(n) for n in re.findall(r"\d+", v)], default=None)


def first_of(path, key):
    with open(path, encoding="utf-8") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith(key)), "")


def virtual(flags):
    if "hypervisor" not in flags:
        return "no"
    vendor = re.search(r"Hypervisor vendor:\s*(\S+)", said("lscpu"))
    return f"yes, {vendor.group(1)}" if vendor else "yes"


def describe():
    flags = first_of("/proc/cpuinfo", "flags").split()
    versions = {name: version(said(*command)) for name, command in VERSIONS.items()} | {"mbedTLS": mbedtls()}
    return {"cpu": first_of("/proc/cpuinfo", "model name") or "?", "flags": [text for flag, text in FLAGS.items() if flag in flags], "cores": os.cpu_count(),
            "memory_bytes": int(first_of("/proc/meminfo", "MemTotal").split()[0]) * 1024, "kernel": os.uname().release, "virtual": virtual(flags),
            "versions": {name: v for name, v in versions.items() if v}}


PROPER = {"dpdk": "DPDK", "mbedtls": "mbedTLS", "openssl": "OpenSSL", "haproxy": "HAProxy", "sluice": "Sluice"}


def from_reports(reports):
    """The machine as the benchmarks themselves saw it, when nobody wrote it down beside them."""
    seen, versions = {}, {}
    for r in reports:
        m = r.get("machine") or {}
        seen = m | seen
        named = {name: m[name] for name in ("dpdk", "mbedtls", "openssl", "nginx", "haproxy", "hitch", "wrk") if isinstance(m.get(name), str)}
        named |= m.get("versions") or {}
        versions = {PROPER.get(name, name): version(v) or v for name, v in named.items()} | versions
    return {"cpu": seen.get("cpu", "?"), "flags": [FLAGS[f] for f in seen.get("features") or [] if f in FLAGS], "cores": seen.get("cores"),
            "memory_bytes": size(seen.get("memory")), "kernel": seen.get("kernel"), "virtual": seen.get("virtual"), "versions": versions}


def size(memory):
    """`24689700 kB`, as /proc has it, or bytes."""
    if isinstance(memory, str) and memory.split()[:1] and memory.split()[0].isdigit():
        return int(memory.split()[0]) * 1024
    return memory if isinstance(memory, (int, float)) else None


class Load:
    """What the machine did while a benchmark ran: the load average's least and most, and the share of time that the hypervisor gave to others."""

    def __init__(self, period_s=2):
        self.seen, self.period_s, self.over = [], period_s, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.before, self.steal = os.getloadavg()[0], ticks()
        self.thread.start()
        return self

    def watch(self):
        while True:
            self.seen.append(os.getloadavg()[0])
            if self.over.wait(self.period_s):
                return

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        all_ticks, stolen = (after - before for after, before in zip(ticks(), self.steal))
        self.found = {"before": round(self.before, 2), "least": round(min(self.seen), 2), "most": round(max(self.seen), 2),
                      "stolen_percent": round(100 * stolen / max(all_ticks, 1), 1)}


def ticks():
    with open("/proc/stat", encoding="utf-8") as f:
        values = [int(v) for v in f.readline().split()[1:9]]
    return sum(values), values[7]
