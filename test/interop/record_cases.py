"""Records after the handshake: KeyUpdate in the middle of traffic, and secrets that are told where the configuration asks."""

import hashlib
import os

from lab import check, digest, shapes
from tls_lab import HTTPS, TOLD, Talk, counted, ensure, environment, gnutls, request, s_client

SHAPES = ["1 worker", "1 worker, asan"]
SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")


def update(talk, letter):
    del talk.messages[:]
    talk.say(letter + "\n")
    talk.until(lambda: b"KEYUPDATE" in talk.messages, "s_client sends a KeyUpdate")


def case_key_updates_between_answers(lab):
    ensure(lab)
    page, large = lab.document("1k").read_bytes(), digest(lab.document("1m"))
    for suite in SUITES:
        with counted(lab, {"tls.key_updates_received": 4, "tls.key_updates_sent": 2, "tls.failed_key_update": 0}):
            with Talk(lab, "-tls1_3", "-ciphersuites", suite) as talk:
                check(talk.answer() == page, "before")
                for letter in ("K", "k", "k", "K"):  # K asks for ours too
                    update(talk, letter)
                    check(talk.answer() == page, f"after {letter}")
                check(hashlib.sha256(talk.answer("/1m")).hexdigest() == large, "1 MiB after four")


def case_key_update_in_the_middle_of_a_download(lab):
    ensure(lab)
    name = "1m" if lab.sanitized else "100m"
    with counted(lab, {"tls.key_updates_received": 2, "tls.key_updates_sent": 2}), Talk(lab, "-tls1_3") as talk:
        talk.say(f"GET /{name} HTTP/1.1\r\nHost: site.test\r\n\r\n")
        talk.until(lambda: len(talk.bytes) > 100000, "the download runs")
        update(talk, "K")
        update(talk, "K")
        check(hashlib.sha256(talk.body()).hexdigest() == digest(lab.document(name)), "what was downloaded across KeyUpdates")
        check(talk.answer() == lab.document("1k").read_bytes(), "and after")


def case_key_update_in_the_middle_of_an_upload(lab):
    ensure(lab)
    body = b"".join(b"%078d\n" % i for i in range(20000))  # no line begins with a letter that s_client takes for a command
    half = len(body) // 79 // 2 * 79
    stored = lab.state / "www" / "upload" / f"updated-{os.getpid()}"
    with counted(lab, {"tls.key_updates_received": 1, "tls.key_updates_sent": 1}), Talk(lab, "-tls1_3") as talk:
        talk.say(f"PUT /upload/{stored.name} HTTP/1.1\r\nHost: site.test\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:half])
        talk.pause()  # so that K is not read together with what stands before it
        update(talk, "K")
        talk.say(body[half:])
        talk.until(lambda: b"201 Created" in talk.bytes, "the upload is stored")
    check(digest(stored) == hashlib.sha256(body).hexdigest(), "what was uploaded across a KeyUpdate")
    stored.unlink()


def case_small_and_padded_records(lab):
    """Of clients with limits of their own (RFC 6066 4, RFC 8449), that pad (RFC 8446 5.4), or that send little at a time."""
    ensure(lab)
    large = request("/64k")
    for args in (("-record_padding", "512"), ("-max_send_frag", "512"), ("-maxfraglen", "512"), ("-maxfraglen", "4096")):
        for version in ("-tls1_2", "-tls1_3"):
            out = s_client(lab, version, *args, data=large, ok=False)
            check("200 OK" in out and lab.document("64k").read_text() in out, f"{args} {version}", out[-1000:])
    for version in ("TLS1.2", "TLS1.3"):
        out = gnutls(lab, "--recordsize=512", "--priority", f"NORMAL:-VERS-ALL:+VERS-{version}", data=large)
        check(lab.document("64k").read_text() in out, f"--recordsize=512 {version}", out[-1000:])


def secrets(path):
    """{(label, client random): secret} of a file in the format of SSLKEYLOGFILE."""
    lines = [line.split(" ") for line in path.read_text().splitlines() if line and line[0] != "#"]
    check(all(len(words) == 3 for words in lines), "three words a line", str(lines)[:500])
    return {(label, random): secret for label, random, secret in lines}


LABELS = {
    "1.2": {"CLIENT_RANDOM"},
    "1.3": {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"},
}


@shapes("1 worker")
def case_key_log_agrees_with_the_clients(lab):
    ensure(lab)
    ours = lab.state / "sluice.keylog"
    for version, labels in LABELS.items():
        ours.unlink(missing_ok=True)
        with lab.scratch() as d:
            lab.exec("client", *environment(SSLKEYLOGFILE=d / "theirs"), "curl", "--silent", "--cacert", lab.state / "ca.crt", "--noproxy", "*",
                     "--tls-max", version, "--resolve", f"site.test:{TOLD}:198.18.0.10", "--output", "/dev/null", f"https://site.test:{TOLD}/1k")
            theirs = secrets(d / "theirs")
        told = secrets(ours)
        check(labels <= {label for label, _ in told}, f"labels of {version}", str(told))
        check(len({random for _, random in told}) == 1, "one connection")
        for which, secret in told.items():
            check(theirs.get(which) == secret, f"{which} is what the client has", f"{secret}\n{theirs}")
        check(ours.stat().st_mode & 0o77 == 0, "others can read the key log")


@shapes("1 worker")
def case_no_key_log_where_none_is_asked_for(lab):
    ensure(lab)
    ours = lab.state / "sluice.keylog"
    before = ours.read_text() if ours.exists() else ""
    lab.curl("/1k", port=HTTPS)
    check((ours.read_text() if ours.exists() else "") == before, "secrets of another listener were told")
