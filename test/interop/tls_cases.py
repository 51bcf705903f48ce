"""What a listener agrees on with real clients: versions, suites, groups, certificates, names, protocols; and what it refuses, by which alert."""

from lab import FRONT4, FRONT6, SITE, check
from tls_lab import (H2, HTTPS, MODERN, OTHER, P256_ONLY, P384_ONLY, RSA, STRICT, X25519_ONLY, Talk, counted, ensure, gnutls, refused, s_client)

SHAPES = ["2 workers", "1 worker, asan"]

SUITES13 = {"TLS_AES_128_GCM_SHA256": "aes128_gcm", "TLS_AES_256_GCM_SHA384": "aes256_gcm", "TLS_CHACHA20_POLY1305_SHA256": "chacha20_poly1305"}
SUITES12 = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"]
GROUPS = {"X25519": "X25519, 253 bits", "P-256": "ECDH, prime256v1, 256 bits", "P-384": "ECDH, secp384r1, 384 bits"}
SIGNATURES13 = {"ecdsa_secp256r1_sha256": "ECDSA", "rsa_pss_rsae_sha256": "RSA-PSS"}


def case_every_suite_group_and_certificate_of_13(lab):
    ensure(lab)
    for suite, counter in SUITES13.items():
        for group, temp in GROUPS.items():
            with counted(lab, {"tls.version_13": 2, f"tls.suite_{counter}": 2}):
                for sigalgs, kind in SIGNATURES13.items():
                    out = s_client(lab, "-tls1_3", "-ciphersuites", suite, "-groups", group, "-sigalgs", sigalgs)
                    for word in (f"TLSv1.3, Cipher is {suite}", f"Server Temp Key: {temp}", f"Peer signature type: {kind}"):
                        check(word in out, f"{suite}, {group}, {kind}: no '{word}'", out[-3000:])


def case_every_suite_group_and_certificate_of_12(lab):
    ensure(lab)
    for kind in ("ECDSA", "RSA"):
        for suite in SUITES12:
            with counted(lab, {"tls.version_12": 3, "tls.version_13": 0}):
                for group, temp in GROUPS.items():
                    # RFC 8422 5.1: the groups limit certificates too, so P-256 is among them; P-384 is chosen where the listener has nothing else.
                    groups, port = (":".join(dict.fromkeys((group, "P-256"))), P384_ONLY if group == "P-384" else HTTPS) if kind == "ECDSA" else (group, HTTPS)
                    out = s_client(lab, "-tls1_2", "-cipher", f"ECDHE-{kind}-{suite}", "-groups", groups, port=port)
                    for word in (f"Cipher is ECDHE-{kind}-{suite}", f"Server Temp Key: {temp}", "Extended master secret: yes",
                                 "Secure Renegotiation IS supported", "Compression: NONE"):
                        check(word in out, f"{suite}, {group}, {kind}: no '{word}'", out[-3000:])


def case_hello_retry_request_leads_to_every_group(lab):
    ensure(lab)
    for port, group, first in ((X25519_ONLY, "X25519", "P-256"), (P256_ONLY, "P-256", "X25519"), (P384_ONLY, "P-384", "X25519")):
        for suite in SUITES13:
            out = s_client(lab, "-tls1_3", "-ciphersuites", suite, "-groups", f"{first}:{group}", "-msg", port=port)
            check(out.count(", ClientHello") == 2 and out.count(", ServerHello") == 2, "one hello more each way", out[-3000:])
            check(f"Server Temp Key: {GROUPS[group]}" in out, group, out[-3000:])
        out = s_client(lab, "-tls1_2", "-groups", ":".join(dict.fromkeys((first, group, "P-256"))), port=port)
        check(f"Server Temp Key: {GROUPS[group]}" in out, f"{group} in 1.2", out[-3000:])
        with counted(lab, {"tls.failed_suite": 2}):
            refused(lab, 40, "-tls1_3", "-groups", first, port=port)
            refused(lab, 40, "-tls1_2", "-groups", first, port=port)


def case_groups_of_a_12_client_limit_its_certificates(lab):
    """RFC 8422 5.1: who does not know P-256 can't verify with it; in 1.3 signature algorithms alone tell."""
    ensure(lab)
    check("Peer signature type: RSA" in s_client(lab, "-tls1_2", "-groups", "X25519"), "RSA in 1.2")
    check("Peer signature type: ECDSA" in s_client(lab, "-tls1_3", "-groups", "X25519"), "ECDSA in 1.3")
    refused(lab, 40, "-tls1_2", "-groups", "X25519", port=STRICT)


def case_older_versions_are_refused(lab):
    ensure(lab)
    with counted(lab, {"tls.failed_version": 2, "tls.alerts_sent": 2}):
        refused(lab, 70, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        refused(lab, 70, "-tls1", "-cipher", "ALL:@SECLEVEL=0")
    s_client(lab)


def case_modern_refuses_12(lab):
    ensure(lab)
    refused(lab, 70, "-tls1_2", port=MODERN)
    out = s_client(lab, port=MODERN)
    check("TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256" in out, "1.3", out[-3000:])


def case_fallback_is_detected(lab):
    """RFC 7507: a client that says that it speaks 1.2 only because 1.3 failed is stopped."""
    ensure(lab)
    refused(lab, 86, "-tls1_2", "-fallback_scsv")


def case_suites_without_ecdhe_or_aead_are_refused(lab):
    ensure(lab)
    for suite in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"):
        refused(lab, 40, "-tls1_2", "-cipher", suite + ":@SECLEVEL=0")


def case_the_servers_order_counts_but_for_chacha_first(lab):
    ensure(lab)
    for wish, got in (("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
                      ("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")):
        check(f"Cipher is {got}" in s_client(lab, "-ciphersuites", wish), f"{got} of {wish}")
    for wish, got in (("ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
                      ("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305")):
        check(f"Cipher is {got}" in s_client(lab, "-tls1_2", "-cipher", wish), f"{got} of {wish}")


def case_renegotiation_is_refused(lab):
    """By an alert, not by silence; only once it is asked for."""
    ensure(lab)
    with counted(lab, {"tls.alerts_sent": 1}), Talk(lab, "-tls1_2") as talk:
        check(talk.answer() == lab.document("1k").read_bytes(), "served before")
        talk.say("R\n")
        talk.until(lambda: b"SSL alert number 100\n" in talk.messages, "no_renegotiation")


def case_status_request_is_answered_without_one(lab):
    ensure(lab)
    for version in ("-tls1_2", "-tls1_3"):
        check("OCSP response: no response sent" in s_client(lab, version, "-status"), "no stapled answer", version)


def case_alpn(lab):
    ensure(lab)
    for version in ("-tls1_2", "-tls1_3"):
        check("ALPN protocol: http/1.1" in s_client(lab, version, "-alpn", "h2,http/1.1"), "h2 is not offered", version)
        check("ALPN protocol: http/1.1" in s_client(lab, version, "-alpn", "http/1.1,h2", port=HTTPS), "http/1.1", version)
        check("No ALPN negotiated" in s_client(lab, version), "none asked for", version)
        with counted(lab, {"tls.failed_alpn": 1}):
            refused(lab, 120, version, "-alpn", "h2,imap")
        out = s_client(lab, version, "-alpn", "http/1.1,h2", port=H2, ok=False)
        check("ALPN protocol: h2" in out, "the listener's order", out[-2000:])


def case_names_choose_certificates(lab):
    ensure(lab)
    for name, subject in ((SITE, SITE), ("www." + SITE, SITE), ("WWW." + SITE.upper(), SITE), (OTHER, OTHER)):
        out = s_client(lab, port=STRICT, name=name)
        check(f"subject=CN = {subject}\n" in out, f"{name} shows {subject}", out[-2000:])
    s_client(lab, port=STRICT, name=None)
    with counted(lab, {"tls.failed_name": 3}):
        refused(lab, 112, port=STRICT, name="elsewhere.test")
        refused(lab, 112, "-tls1_2", port=STRICT, name="elsewhere.test")
        refused(lab, 112, port=STRICT, name="a.b." + SITE)  # a star stands for one label
    check(f"subject=CN = {SITE}\n" in s_client(lab, port=HTTPS, name="elsewhere.test"), "the default of a listener that refuses none")


def case_a_listener_of_rsa_alone(lab):
    ensure(lab)
    check("Peer signature type: RSA-PSS" in s_client(lab, port=RSA), "RSA in 1.3")
    check("Cipher is ECDHE-RSA-AES128-GCM-SHA256" in s_client(lab, "-tls1_2", port=RSA), "RSA in 1.2")
    refused(lab, 40, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", port=RSA)
    refused(lab, 40, "-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256", port=RSA)


GNUTLS = {
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519": "(TLS1.3-X.509)-(ECDHE-X25519)",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP384R1": "(TLS1.3-X.509)-(ECDHE-SECP384R1)",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305": "CHACHA20-POLY1305",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256": "RSA-PSS-RSAE-SHA256",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM": "AES-256-GCM",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA": "(TLS1.2-X.509)-(ECDHE-X25519)-(RSA",
    "SECURE128": "(TLS1.3-X.509)",
    "PERFORMANCE": "(TLS1.3-X.509)",
}


def case_gnutls_priorities(lab):
    ensure(lab)
    for priority, seen in GNUTLS.items():
        out = gnutls(lab, "--priority", priority)
        check(seen in out, f"{priority}: no '{seen}'", out[-3000:])
    out = gnutls(lab, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:%COMPAT", ok=False)
    check("protocol version" in out.lower(), "1.1 refused", out[-2000:])


def case_wget_and_curl(lab):
    """What speaks as browsers do, with defaults, over both families."""
    ensure(lab)
    page = lab.document("1k").read_text()
    for address in (FRONT4, FRONT6):
        check(lab.curl("/1k", "--http1.1", address=address).stdout == page, address)
        check(lab.curl("/1k", "--http2", address=address).stdout == page, f"{address}, h2 offered beside http/1.1")
    done = lab.exec("client", "wget", "--quiet", "--output-document=-", f"--ca-certificate={lab.state}/ca.crt", f"https://{FRONT4}/1k")
    check(done.stdout == page, "wget", done.stderr)
