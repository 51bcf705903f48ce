"""Verdicts of scanners."""

import json
import re

from lab import FRONT4, check
from tls_lab import HTTPS, MODERN, RSA, ensure

SHAPES = ["1 worker"]

SUITES12 = {f"TLS_ECDHE_{kind}_WITH_{cipher}" for kind in ("ECDSA", "RSA")
            for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")}
SUITES13 = {"TLS_AKE_WITH_AES_128_GCM_SHA256", "TLS_AKE_WITH_AES_256_GCM_SHA384", "TLS_AKE_WITH_CHACHA20_POLY1305_SHA256"}


def nmap(lab, port, versions, suites):
    out = lab.exec("client", "nmap", "-Pn", "-n", "-p", port, "--script", "+ssl-enum-ciphers", FRONT4, timeout=120).stdout
    check(set(re.findall(r"^\|\s+((?:SSL|TLS)v[\d.]+):", out, re.M)) == versions, "versions", out)
    found = re.findall(r"(TLS_\w+) \([^)]*\) - (\w)", out)
    check({name for name, _ in found} == suites, "suites", out)
    check({grade for _, grade in found} == {"A"} and "least strength: A" in out, "grades", out)
    check("cipher preference: server" in out and "warnings" not in out, "preference, and nothing to warn of", out)
    check(set(re.findall(r"compressors:\s*\|\s+(\w+)", out)) <= {"NULL"}, "compression", out)


def case_nmap_grades_all_suites_a(lab):
    ensure(lab)
    nmap(lab, HTTPS, {"TLSv1.2", "TLSv1.3"}, SUITES12 | SUITES13)
    nmap(lab, MODERN, {"TLSv1.3"}, SUITES13)
    nmap(lab, RSA, {"TLSv1.2", "TLSv1.3"}, {s for s in SUITES12 if "_RSA_" in s} | SUITES13)


def case_sslscan_finds_nothing_wrong(lab):
    ensure(lab)
    for port, lowest in ((HTTPS, "TLSv1.2"), (MODERN, "TLSv1.3")):
        out = lab.exec("client", "sslscan", "--no-colour", "--show-sigs", f"{FRONT4}:{port}", timeout=120).stdout
        on = set(re.findall(r"^((?:SSL|TLS)v[\d.]+)\s+enabled", out, re.M))
        check(on == {v for v in ("TLSv1.2", "TLSv1.3") if v >= lowest}, "versions", out)
        check(len(re.findall(r"^(?:SSL|TLS)v[\d.]+\s+disabled", out, re.M)) == 6 - len(on), "the others are off", out)
        check("Session renegotiation not supported" in out, "renegotiation", out)
        check("not vulnerable to heartbleed" in out and not re.search(r"(?<!not )vulnerable", out), "heartbleed", out)
        check("Compression enabled" not in out, "compression", out)
        check(port == MODERN or "Server supports TLS Fallback SCSV" in out, "fallback SCSV", out)
        bits = [int(b) for b in re.findall(r"^(?:Preferred|Accepted)\s+TLSv[\d.]+\s+(\d+) bits", out, re.M)]
        check(bits and min(bits) >= 128, "strength", out)
        check(not re.search(r"CBC|SHA1|RC4|3DES|NULL-|anon|EXPORT", re.sub(r"Signature Algorithm.*", "", out)), "an old algorithm", out)


def case_crypto_tells_backends_and_speeds(lab):
    shown = json.loads(lab.ctl("crypto", "--json").stdout)
    check({c["cipher"] for c in shown["ciphers"]} == {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"}, "ciphers", str(shown))
    check(all(c["bytes_per_second"] > 1e6 and c["backend"] for c in shown["ciphers"]), "speeds of ciphers", str(shown))
    operations = {o["operation"]: o for o in shown["operations"]}
    check(set(operations) >= {f"{g}-{v}" for g in ("p256", "p384") for v in ("generate", "agree", "sign", "verify")} |
          {"x25519-generate", "x25519-agree", "rsa2048-private", "rsa3072-private", "rsa4096-private"}, "operations", str(sorted(operations)))
    check(all(o["backend"] and 1 <= o["batch"] <= 8 and o["stated_ns"] > 0 for o in operations.values()), "batches and prices", str(shown))
    check(all(o["ns"] > 0 for name, o in operations.items() if "private" not in name), "measured", str(shown))
    text = lab.ctl("crypto").stdout
    check(len(text.splitlines()) == len(shown["ciphers"]) + len(operations) and "at a time; stated" in text, "a line each", text)
    said = next(line for line in lab.log().splitlines() if line.startswith("sluice: crypto: "))
    for kind, operation in (("X25519", "x25519-agree"), ("P-256", "p256-sign"), ("P-384", "p384-sign"), ("RSA", "rsa2048-private")):
        check(f"{kind} {operations[operation]['backend']}" in said, f"the log names {kind}'s", said)
