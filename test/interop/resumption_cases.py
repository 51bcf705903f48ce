"""Tickets: who resumes, who must not, and how long keys last."""

import json
import os
import signal

from lab import SITE, check, shapes, until
from tls_lab import (FLEET, HTTPS, MUTUAL, NO_TICKETS, OTHER, certificate_options, counted, ensure, gnutls, s_client)
from tls_session import Session

SHAPES = ["2 workers", "1 worker, asan"]
VERSIONS = ("-tls1_2", "-tls1_3")


def resumed(out):
    return "\nReused, " in out


def first(lab, session, *args, **kw):
    """A connection that is not resumed and leaves its session in a file."""
    out = s_client(lab, "-sess_out", session, *args, **kw)
    check(not resumed(out), "resumed out of nothing", out[-3000:])
    check(session.exists(), "no session", out[-3000:])


def again(lab, session, wanted, *args, **kw):
    """A connection with that session: it is served, and resumed or not, on both sides' word."""
    with counted(lab, {"tls.handshakes": 1, "tls.resumed": int(wanted)}):
        out = s_client(lab, "-sess_in", session, *args, **kw)
    check(resumed(out) == wanted, "resumed" if wanted else "not resumed", out[-3000:])


def case_openssl_resumes(lab):
    ensure(lab)
    with lab.scratch() as d:
        for version in VERSIONS:
            first(lab, d / "s", version)
            for _ in range(4):  # on whichever worker
                again(lab, d / "s", True, version)


def case_a_resumed_session_is_resumed_in_turn(lab):
    ensure(lab)
    with lab.scratch() as d:
        first(lab, d / "s", "-tls1_3")
        for _ in range(3):
            again(lab, d / "s", True, "-tls1_3", "-sess_out", d / "s")


def case_resumed_with_every_suite_and_group(lab):
    ensure(lab)
    with lab.scratch() as d:
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            for group in ("X25519", "P-256", "P-384"):
                first(lab, d / "s", "-tls1_3", "-ciphersuites", suite, "-groups", group)
                again(lab, d / "s", True, "-tls1_3", "-ciphersuites", suite, "-groups", group)
        for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            first(lab, d / "s", "-tls1_2", "-cipher", suite)
            again(lab, d / "s", True, "-tls1_2", "-cipher", suite)


def case_gnutls_resumes(lab):
    ensure(lab)
    for version in ("TLS1.2", "TLS1.3"):
        with counted(lab, {"tls.handshakes": 2, "tls.resumed": 1}):
            out = gnutls(lab, "--resume", "--waitresumption", "--priority", f"NORMAL:-VERS-ALL:+VERS-{version}")
        check("This is a resumed session" in out, version, out[-3000:])


def case_curl_resumes_within_one_run(lab):
    ensure(lab)
    with counted(lab, {"tls.handshakes": 3, "tls.resumed": 2}):
        lab.curl("/1k", "--header", "Connection: close", f"https://{SITE}:443/1k", f"https://{SITE}:443/1k")


def case_a_ticket_is_good_for_its_name_only(lab):
    ensure(lab)
    with lab.scratch() as d:
        for version in VERSIONS:
            first(lab, d / "s", version, port=FLEET)
            again(lab, d / "s", False, version, port=FLEET, name=OTHER)
            again(lab, d / "s", False, version, port=FLEET, name=None)
            first(lab, d / "other", version, port=FLEET, name=OTHER)
            again(lab, d / "other", False, version, port=FLEET)
            again(lab, d / "other", True, version, port=FLEET, name=OTHER)


def case_a_ticket_is_good_for_its_listener_only(lab):
    ensure(lab)
    with lab.scratch() as d:
        for version in VERSIONS:
            first(lab, d / "s", version, port=FLEET)
            again(lab, d / "s", False, version, port=HTTPS)


def case_a_ticket_of_one_version_is_not_used_in_the_other(lab):
    ensure(lab)
    with lab.scratch() as d:
        first(lab, d / "s", "-tls1_3")
        with counted(lab, {"tls.resumed": 0}):
            out = s_client(lab, "-sess_in", d / "s", "-tls1_2", ok=False)
        check(not resumed(out), "a ticket of 1.3 in 1.2", out[-2000:])


def case_without_tickets_nothing_is_given(lab):
    ensure(lab)
    with lab.scratch() as d:
        for version in VERSIONS:
            out = s_client(lab, version, "-sess_out", d / "s", port=NO_TICKETS)
            check("session ticket:" not in out, "a ticket", out[-3000:])
            out = s_client(lab, version, "-sess_out", d / "s", *certificate_options(lab, "good"), port=MUTUAL)
            check("session ticket:" not in out, "a ticket where clients show certificates", out[-3000:])
            out = s_client(lab, version, "-sess_in", d / "s", *certificate_options(lab, "good"), port=MUTUAL)
            check(not resumed(out), "resumed", out[-3000:])
        check("session ticket:" in s_client(lab, "-tls1_3"), "a ticket elsewhere")
        first(lab, d / "s", "-no_ticket", "-tls1_2")
        again(lab, d / "s", False, "-no_ticket", "-tls1_2")


def rotate(lab):
    check(lab.ctl("tickets", "rotate").stdout == "rotated\n", "rotated")


def keys(lab, settings):
    return next(t for t in json.loads(lab.ctl("tickets", "--json").stdout)["tickets"] if t["settings"] == settings)["keys"]


def case_tickets_outlive_one_rotation_and_not_two(lab):
    ensure(lab)
    with lab.scratch() as d:
        for port in (HTTPS, FLEET):  # keys of the process; keys of a file
            for version in VERSIONS:
                first(lab, d / "s", version, port=port)
                rotate(lab)
                again(lab, d / "s", True, version, port=port)
                rotate(lab)
                again(lab, d / "s", False, version, port=port)


def case_rotation_moves_next_to_current_in_the_file_too(lab):
    ensure(lab)
    before = keys(lab, "fleet")
    rotate(lab)
    after, words = keys(lab, "fleet"), [line.split()[0] for line in (lab.state / "tickets.keys").read_text().splitlines() if line and line[0] != "#"]
    check(after["current"] == before["next"] and after["previous"] == before["current"], "next, current, previous", f"{before}\n{after}")
    check(after["next"] not in before.values(), "a new next key", f"{before}\n{after}")
    check(sorted(words) == ["current", "next", "previous"], "the file", str(words))
    check((lab.state / "tickets.keys").stat().st_mode & 0o77 == 0, "others can read the file")


def case_tickets_show_names_and_no_keys(lab):
    ensure(lab)
    secret = [line.split()[1] for line in (lab.state / "tickets.keys").read_text().splitlines() if line and line[0] != "#"]
    for out in (lab.ctl("tickets").stdout, lab.ctl("tickets", "--json").stdout):
        check(not any(s in out for s in secret), "a key is shown", out)
    text = lab.ctl("tickets").stdout
    check("no-tickets: gives no tickets" in text and f"fleet: {lab.state}/tickets.keys" in text and "intermediate: keys of this process" in text, "text", text)
    check(set(keys(lab, "fleet")) >= {"current", "next"} and keys(lab, "no-tickets") == keys(lab, "known-clients") == {}, "names")


def restart(lab):
    pid = lab.pid()
    os.kill(pid, signal.SIGTERM)
    until((lab.state / "sluice.exit").exists, 40, "the process ends")
    check((lab.state / "sluice.exit").read_text().strip() == "0", "exit status", lab.log()[-3000:])
    lab.up()
    ensure(lab)


def case_a_ticket_of_a_file_survives_a_restart_and_no_other_does(lab):
    ensure(lab)
    with lab.scratch() as d:
        for version in VERSIONS:
            first(lab, d / f"file{version}", version, port=FLEET)
            first(lab, d / f"own{version}", version)
        restart(lab)
        for version in VERSIONS:
            again(lab, d / f"file{version}", True, version, port=FLEET)
            again(lab, d / f"own{version}", False, version)


@shapes("2 workers")
def case_keys_that_another_machine_rotated_are_used_without_a_reload(lab):
    ensure(lab)
    path = lab.state / "tickets.keys"
    words = dict(line.split() for line in path.read_text().splitlines() if line and line[0] != "#")
    before = keys(lab, "fleet")
    with lab.scratch() as d:
        first(lab, d / "s", "-tls1_3", port=FLEET)
        path.write_text(f"next {os.urandom(32).hex()}\ncurrent {words['next']}\nprevious {words['current']}\n")
        until(lambda: keys(lab, "fleet")["current"] == before["next"], 15, "the file's change is seen")
        again(lab, d / "s", True, "-tls1_3", port=FLEET)
        path.write_text("current nonsense\n")
        until(lambda: "error tickets" in lab.log(), 15, "a broken file is told")
        again(lab, d / "s", True, "-tls1_3", port=FLEET)
        lab.ctl("tickets", "rotate", ok=False)
        path.write_text(f"next {os.urandom(32).hex()}\ncurrent {os.urandom(32).hex()}\n")
        until(lambda: keys(lab, "fleet")["current"] != before["next"], 15, "a good file again")
        again(lab, d / "s", False, "-tls1_3", port=FLEET)


def case_foreign_and_altered_tickets_lead_to_a_full_handshake(lab):
    ensure(lab)
    with lab.scratch() as d:
        for version in VERSIONS:
            first(lab, d / "s", version)
            for at in (0, 5, 20, 60, -1):
                altered = change_ticket(lab, d / "s", at)
                (d / "altered").write_text(altered)
                again(lab, d / "altered", False, version)
            again(lab, d / "s", True, version)


def change_ticket(lab, path, at):
    """The session file with one byte of its ticket changed."""
    session = Session(path.read_text())
    session.alter_ticket(at)
    return session.pem()
