"""Clients with certificates, good and bad."""

import re

from lab import SITE, check, until
from tls_lab import MUTUAL, OPTIONAL, certificate_options, counted, ensure, gnutls, refused, s_client

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
            until(lambda: re.search(rf'listener=mutual .*"client_certificate {SITE}" .*\({alert}\)$', lab.log().splitlines()[-1]), 3, f"{name} in the log")
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

