"""Real TLS clients of every kind get the page, with the certificate verified by them."""

import re

from lab import FRONT4, FRONT6, SITE, check

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


def case_curl_plain_listener(lab):
    page(lab, scheme="http", port=80)
    page(lab, scheme="http", port=80, address=FRONT6)


def case_rsa_only_client_gets_the_rsa_certificate(lab):
    out = s_client(lab, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    check("Cipher is ECDHE-RSA-AES128-GCM-SHA256" in out, "no RSA suite", out[-2000:])


def s_client(lab, *args, address=FRONT4):
    """One request by openssl s_client, closed by the server's side of HTTP."""
    request = f"GET /1k HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n"
    host = f"[{address}]" if ":" in address else address
    done = lab.exec("client", "openssl", "s_client", "-connect", f"{host}:443", "-servername", SITE, "-CAfile", lab.state / "ca.crt",
                    "-verify_return_error", "-ign_eof", *args, data=request)
    check("Verify return code: 0 (ok)" in done.stdout or "Verification: OK" in done.stdout, "certificate not verified", done.stdout[-2000:])
    check("200 OK" in done.stdout, "no answer", done.stdout[-2000:])
    return done.stdout


def case_openssl_suites_and_groups(lab):
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        for group in ("X25519", "P-256", "P-384"):
            out = s_client(lab, "-tls1_3", "-ciphersuites", suite, "-groups", group)
            check(f"Cipher is {suite}" in out, f"{suite} with {group} not negotiated", out[-2000:])


def case_openssl_tls12_suites(lab):
    for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-GCM-SHA384",
                  "ECDHE-RSA-CHACHA20-POLY1305"):
        out = s_client(lab, "-tls1_2", "-cipher", suite)
        check(f"Cipher is {suite}" in out, f"{suite} not negotiated", out[-2000:])


def case_gnutls(lab):
    for priority in ("NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"):
        request = f"GET /1k HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n"
        done = lab.exec("client", "gnutls-cli", "--x509cafile", lab.state / "ca.crt", "--sni-hostname", SITE, "--verify-hostname", SITE,
                        "--priority", priority, "--port", "443", FRONT4, data=request)
        check("200 OK" in done.stdout, f"no answer with {priority}", done.stdout[-2000:] + done.stderr[-1000:])


def case_alpn(lab):
    out = s_client(lab, "-alpn", "h2,http/1.1")
    check("ALPN protocol: http/1.1" in out, "http/1.1 not chosen", out[-2000:])
    done = lab.exec("client", "openssl", "s_client", "-connect", f"{FRONT4}:443", "-alpn", "h2", ok=False, data="")
    check("no application protocol" in done.stderr, "no_application_protocol alert expected", done.stderr[-2000:])


def case_old_versions_get_an_alert(lab):
    done = lab.exec("client", "openssl", "s_client", "-connect", f"{FRONT4}:443", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", ok=False, data="")
    check("alert protocol version" in done.stderr, "protocol_version alert expected", done.stderr[-2000:])


def case_plain_http_on_the_tls_port_is_refused(lab):
    done = lab.curl("/1k", scheme="http", port=443, ok=False)
    check(done.returncode != 0, "plain HTTP was answered on the TLS port", done.stdout[:200])
    page(lab)


def case_enumeration_shows_only_modern_suites(lab):
    done = lab.exec("client", "nmap", "-Pn", "-n", "-p", "443", "--script", "ssl-enum-ciphers", FRONT4, timeout=120)
    versions = set(re.findall(r"(SSLv3|TLSv1\.\d):", done.stdout))
    suites = set(re.findall(r"(TLS_\w+)", done.stdout))
    check("TLSv1.2" in versions and versions <= {"TLSv1.2", "TLSv1.3"}, "versions", done.stdout)
    check(suites and all("ECDHE" in s or s.startswith(("TLS_AES", "TLS_CHACHA20", "TLS_AKE")) for s in suites), "suites", done.stdout)
    check(not any("CBC" in s for s in suites), "a CBC suite", done.stdout)


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
