"""Files that change under a running Sluice: certificates, authorities, revocation lists."""

import os
import shutil
import signal

from lab import FRONT4, SITE, check, shapes, until
from tls_lab import FOR_CLIENTS, MUTUAL, SWAPPED, Authority, Talk, certificate_options, ensure, for_servers, openssl, peer, refused, s_client

SHAPES = ["1 worker", "2 workers"]


def shown(lab, connections=8):
    """The certificates that so many new connections are shown."""
    return set(peer(lab, "fingerprints.py", FRONT4, SWAPPED, SITE, connections).split())


def fingerprint(path):
    return openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha256").stdout.split("=")[1].strip().replace(":", "").lower()


def new_pair(lab):
    """A certificate for the site, with a key of its own, as files that nobody uses yet."""
    fresh = lab.state / "fresh"
    fresh.with_suffix(".key").unlink(missing_ok=True)
    Authority(lab.state, "ca").issue(fresh, SITE, for_servers(SITE))
    return fresh


def put(lab, fresh):
    """As a tool that renews certificates does: one file, then the other."""
    os.replace(fresh.with_suffix(".crt"), lab.state / "swapped.crt")
    os.replace(fresh.with_suffix(".key"), lab.state / "swapped.key")


def on_every_worker(lab, wanted):
    """New connections everywhere are shown this certificate and no other."""
    before = [w["counters"]["tls.handshakes"] for w in lab.stats()["workers"]]

    def all_had_some():
        check(shown(lab, 16) == {wanted}, "a connection was shown the old certificate")
        return all(w["counters"]["tls.handshakes"] > b for w, b in zip(lab.stats()["workers"], before))

    until(all_had_some, 20, "each worker shook hands")


def case_a_new_certificate_is_used_without_a_reload(lab):
    ensure(lab)
    old = fingerprint(lab.state / "swapped.crt")
    check(shown(lab) == {old}, "before")
    with Talk(lab, port=SWAPPED) as talk:
        talk.answer()
        fresh = new_pair(lab)
        wanted = fingerprint(fresh.with_suffix(".crt"))
        put(lab, fresh)
        until(lambda: shown(lab, 1) == {wanted}, 15, "the new certificate is shown")
        on_every_worker(lab, wanted)
        check(talk.answer() == lab.document("1k").read_bytes(), "the old connection goes on")


def case_a_broken_file_keeps_the_certificate_so_far(lab):
    ensure(lab)
    path = lab.state / "swapped.crt"
    old, good = fingerprint(path), path.read_bytes()
    seen = len(lab.log())
    path.write_bytes(good[:200])
    until(lambda: "swapped.crt" in lab.log()[seen:] and " error " in lab.log()[seen:], 15, "the broken file is told")
    check(shown(lab) == {old}, "the old certificate goes on")
    check(lab.ctl("reload", ok=False).returncode == 1, "and a reload says so too")
    check(shown(lab) == {old}, "the old certificate goes on after a reload")
    path.write_bytes(good)
    check(lab.ctl("reload").returncode == 0, "whole again")
    check(shown(lab) == {old}, "the same again")


def case_reload_and_sighup_take_a_new_certificate_at_once(lab):
    ensure(lab)
    for how in (lambda: lab.ctl("reload"), lambda: os.kill(lab.pid(), signal.SIGHUP)):
        fresh = new_pair(lab)
        wanted = fingerprint(fresh.with_suffix(".crt"))
        put(lab, fresh)
        how()
        until(lambda: shown(lab, 1) == {wanted}, 1.5, "the new certificate is shown sooner than by looking at files")
        on_every_worker(lab, wanted)


def case_a_new_certificate_during_traffic_loses_nothing(lab):
    """Downloads go on while the certificate is replaced; none fails, and each is whole."""
    ensure(lab)
    failed = lab.counter("tls.failed_internal")
    with lab.background("client", "curl", "--silent", "--insecure", "--fail", "--limit-rate", "300k", "--output", "/dev/null",
                        "--write-out", "%{size_download}", f"https://{FRONT4}:{SWAPPED}/1m") as old:
        for _ in range(3):
            put(lab, new_pair(lab))
            lab.ctl("reload")
            lab.curl("/1k", port=SWAPPED)
        out, _ = old.communicate(timeout=30)
    check(out.strip() == str(1 << 20), "the connection that saw all of them", out)
    check(lab.counter("tls.failed_internal") == failed, "internal failures")


@shapes("2 workers")
def case_a_new_revocation_list_is_used_without_a_reload(lab):
    ensure(lab)
    clients = Authority(lab.state, "clients-ca")
    clients.issue(lab.state / "leaver", "leaver", FOR_CLIENTS)
    s_client(lab, *certificate_options(lab, "leaver"), port=MUTUAL)
    clients.ca("-revoke", lab.state / "leaver.crt")
    clients.ca("-gencrl", "-out", lab.state / "clients.crl.new")
    shutil.move(lab.state / "clients.crl.new", lab.state / "clients.crl")
    until(lambda: "SSL alert number 44" in s_client(lab, *certificate_options(lab, "leaver"), port=MUTUAL, ok=False), 15, "revoked")
    refused(lab, 44, "-tls1_2", *certificate_options(lab, "leaver"), port=MUTUAL)
    s_client(lab, *certificate_options(lab, "good"), port=MUTUAL)
