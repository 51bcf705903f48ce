"""Clients get the page, over both families and versions, many at once; tls_cases.py and its like have what else there is to TLS."""

import re

from lab import FRONT4, FRONT6, check

SHAPES = ["1 worker", "2 workers", "1 worker, asan"]


def page(lab, *args, **kw):
    done = lab.curl("/1k", *args, **kw)
    check(done.stdout == lab.document("1k").read_text(), "the page differs from the origin's file", done.stdout[:200])
    return done


def case_curl_tls13(lab):
    page(lab, "--tlsv1.3")


def case_curl_tls12(lab):
    page(lab, "--tlsv1.2", "--tls-max", "1.2")


def case_curl_over_ipv6(lab):
    page(lab, address=FRONT6)


def case_curl_with_the_certificate_of_the_quick_start(lab):
    """The listener on 8443 wants to see one, in both versions."""
    for version in (("--tlsv1.3",), ("--tls-max", "1.2")):
        page(lab, *version, "--cert", lab.state / "client.crt", "--key", lab.state / "client.key", port=8443)
        page(lab, *version, "--cert", lab.state / "client.crt", "--key", lab.state / "client.key", port=8443, address=FRONT6)
        done = lab.curl("/1k", *version, port=8443, ok=False)
        check(done.returncode != 0 and "alert" in done.stderr and not done.stdout, "refused without", f"{done.returncode} {done.stderr}")


def case_curl_plain_listener(lab):
    page(lab, scheme="http", port=80)
    page(lab, scheme="http", port=80, address=FRONT6)


def case_plain_http_on_the_tls_port_is_refused(lab):
    done = lab.curl("/1k", scheme="http", port=443, ok=False)
    check(done.returncode != 0, "plain HTTP was answered on the TLS port", done.stdout[:200])
    page(lab)


def case_wrk_with_1000_connections(lab):
    connections = 200 if lab.sanitized else 1000  # a sanitizer makes handshakes ten times as dear
    before = lab.counter("tls.handshakes")
    for seconds in (6, 30):  # a machine that is busy with other things shakes a thousand hands side by side, and slowly
        done = lab.exec("client", "wrk", "--threads", "1", "--connections", connections, "--duration", f"{seconds}s", "--timeout", "10s",
                        f"https://{FRONT4}:443/1k", timeout=90)
        answered = int(re.search(r"(\d+) requests in", done.stdout).group(1))
        if answered >= connections:
            break
    check(answered >= connections, "fewer answers than connections", done.stdout)
    check("Non-2xx" not in done.stdout, "bad answers", done.stdout)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done.stdout)
    check(not errors or errors.group(1, 2, 3) == ("0", "0", "0"), "socket errors", done.stdout)
    handshakes = lab.counter("tls.handshakes") - before
    check(handshakes >= connections, "fewer handshakes than connections", f"{handshakes}\n{done.stdout}")
