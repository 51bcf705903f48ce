"""Clients with certificates, good and bad."""

import re

from lab import SITE, check, shapes, until
from tls_lab import FOR_CLIENTS, MUTUAL, OPTIONAL, Authority, certificate_options, counted, ensure, gnutls, make_key, openssl, refused, s_client

SHAPES = ["2 workers", "1 worker, asan"]
VERSIONS = ("-tls1_2", "-tls1_3")

# Certificate, what is wrong with it, the alert that says so.
BAD = {
    "expired": 45,  # certificate_expired
    "stranger": 48,  # unknown_ca
    "revoked": 44,  # certificate_revoked
    "purpose": 43,  # unsupported_certificate: it is one for servers
}


def case_required_and_shown(lab):
    ensure(lab)
    for version in VERSIONS:
        with counted(lab, {"tls.handshakes": 2, "tls.failed_certificate": 0}):
            out = s_client(lab, version, *certificate_options(lab, "good"), port=MUTUAL)
            check("Acceptable client certificate CA names" in out or version == "-tls1_3", "authorities are named in 1.2", out[-3000:])
            s_client(lab, version, *certificate_options(lab, "client"), port=MUTUAL)  # the one of the quick start


def case_required_and_not_shown(lab):
    ensure(lab)
    with counted(lab, {"tls.failed_certificate": 2, "tls.alerts_sent": 2, "tls.handshakes": 0}):
        refused(lab, 116, "-tls1_3", port=MUTUAL)
        refused(lab, 40, "-tls1_2", port=MUTUAL)


def case_bad_ones_are_refused_where_one_is_required(lab):
    ensure(lab)
    for version in VERSIONS:
        for name, alert in BAD.items():
            with counted(lab, {"tls.failed_certificate": 1, "tls.alerts_sent": 1, "tls.handshakes": 0}):
                refused(lab, alert, version, *certificate_options(lab, name), port=MUTUAL)
            until(lambda: re.search(rf'listener=mutual .*"certificate {SITE}" .*\({alert}\)$', lab.log().splitlines()[-1]), 3, f"{name} in the log")
    s_client(lab, *certificate_options(lab, "good"), port=MUTUAL)


def case_optional(lab):
    ensure(lab)
    for version in VERSIONS:
        with counted(lab, {"tls.handshakes": 2}):
            s_client(lab, version, port=OPTIONAL)
            s_client(lab, version, *certificate_options(lab, "good"), port=OPTIONAL)
        for name in ("stranger", "expired"):
            with counted(lab, {"tls.failed_certificate": 1}):
                out = s_client(lab, version, *certificate_options(lab, name), port=OPTIONAL, ok=False)
                check("SSL alert number" in out and "200 OK" not in out, f"{name} is refused though none is needed", out[-2000:])


def case_other_clients_show_theirs(lab):
    ensure(lab)
    files = lab.state / "good.crt", lab.state / "good.key"
    for tls in (("--tlsv1.3",), ("--tls-max", "1.2")):
        check(lab.curl("/1k", *tls, "--cert", files[0], "--key", files[1], port=MUTUAL).stdout == lab.document("1k").read_text(), "curl")
        done = lab.curl("/1k", *tls, port=MUTUAL, ok=False)
        check(done.returncode in (35, 56, 98) and "alert" in done.stderr, "curl without", f"{done.returncode} {done.stderr}")
    for version in ("TLS1.2", "TLS1.3"):
        gnutls(lab, "--priority", f"NORMAL:-VERS-ALL:+VERS-{version}", "--x509certfile", files[0], "--x509keyfile", files[1], port=MUTUAL)


KEYS = {
    "rsa2048": ("RSA", "rsa_keygen_bits:2048"),
    "rsa3072": ("RSA", "rsa_keygen_bits:3072"),
    "rsa4096": ("RSA", "rsa_keygen_bits:4096"),
    "rsa-odd": ("RSA", "rsa_keygen_bits:2056"),  # of a size that no batch takes
    "rsa-e3": ("RSA", "rsa_keygen_pubexp:3"),  # nor this exponent
    "p384": ("EC", "ec_paramgen_curve:P-384"),
}
WEAK = {"rsa1024": ("RSA", "rsa_keygen_bits:1024")}


def issue_by_key(lab, kinds):
    authority = Authority(lab.state, "clients-ca")
    for name, (algorithm, option) in kinds.items():
        openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", lab.state / f"{name}.key")
        authority.issue(lab.state / name, name, FOR_CLIENTS)


@shapes("1 worker, asan")
def case_keys_of_every_kind(lab):
    ensure(lab)
    issue_by_key(lab, KEYS | WEAK)
    for version in VERSIONS:
        for name in KEYS:
            s_client(lab, version, *certificate_options(lab, name), port=MUTUAL)
        for name in WEAK:
            refused(lab, 43, version, "-cipher", "ALL:@SECLEVEL=0", *certificate_options(lab, name), port=MUTUAL)


def make_chain(folder, root, n):
    """A client's certificate behind so many authorities: leaf.crt, leaf.key, and chain.pem with what stands between."""
    above, between = root, ""
    (folder / "authority.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
    (folder / "leaf.ext").write_text(f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n{FOR_CLIENTS}\n")
    for i in range(n + 1):
        name = f"authority{i}" if i < n else "leaf"
        own = folder / name
        make_key(own.with_suffix(".key"))
        openssl("req", "-new", "-key", own.with_suffix(".key"), "-subj", f"/CN={name}", "-out", own.with_suffix(".csr"))
        openssl("x509", "-req", "-in", own.with_suffix(".csr"), "-CA", above.with_suffix(".crt"), "-CAkey", above.with_suffix(".key"), "-set_serial", 1000 + i,
                "-days", "10", "-extfile", folder / ("authority.ext" if i < n else "leaf.ext"), "-out", own.with_suffix(".crt"))
        if i < n:
            between, above = own.with_suffix(".crt").read_text() + between, own
    (folder / "chain.pem").write_text(between)


@shapes("1 worker, asan")
def case_chains(lab):
    """Up to eight authorities in between; what is longer, or larger than a record, is refused by an alert and not by silence."""
    ensure(lab)
    for n, times, good in ((1, 1, True), (8, 1, True), (9, 1, False), (1, 60, False)):
        with lab.scratch() as d:
            make_chain(d, lab.state / "clients-ca", n)
            (d / "chain.pem").write_text((d / "chain.pem").read_text() * times)
            for version in VERSIONS:
                out = s_client(lab, version, "-cert", d / "leaf.crt", "-key", d / "leaf.key", "-cert_chain", d / "chain.pem", port=MUTUAL, ok=good)
                check(good or ("SSL alert number" in out and "200 OK" not in out), f"{n} authorities {times} times, {version}", out[-1500:])
