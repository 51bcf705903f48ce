"""ClientHellos in pieces, large ones, and such with early data that nobody asked for."""

from lab import FRONT4, check
from tls_lab import HTTPS, P384_ONLY, counted, ensure, peer, s_client
from tls_session import Session

SHAPES = ["1 worker", "1 worker, asan"]


def page(lab, mode, port=HTTPS):
    got = peer(lab, "hello_pieces.py", FRONT4, port, lab.state / "ca.crt", mode).strip()
    check(got == "page", f"a hello as {mode}", got)


def case_a_hello_of_one_byte_segments(lab):
    ensure(lab)
    with counted(lab, {"tls.handshakes": 1}):
        page(lab, "bytes")


def case_a_hello_over_several_records(lab):
    ensure(lab)
    with counted(lab, {"tls.handshakes": 5}):
        for size in (1, 2, 3, 100):
            page(lab, f"records:{size}")
        page(lab, "both")


def case_a_hello_of_40_kib_is_understood_whole(lab):
    """As names of protocols, of which the last is ours."""
    ensure(lab)
    for size in (3000, 20000, 40960):
        page(lab, f"alpn:{size}")
    page(lab, "alpn:40960", port=P384_ONLY)  # twice, for the HelloRetryRequest


def raw(lab, what, port=HTTPS):
    return peer(lab, "raw_records.py", FRONT4, port, what).strip()


def case_padding_up_to_64_kib_in_all(lab):
    ensure(lab)
    for size in (512, 1500, 40960, 65000):
        check(raw(lab, f"hello:{size}") == "record 22", f"a hello of {size} bytes is answered", raw(lab, f"hello:{size}"))
    with counted(lab, {"tls.alerts_sent": 1, "tls.failed_limit": 1}):
        got = raw(lab, "1603010004" + "01011170")  # says that it is 70,000 bytes long
        check(got.startswith("alert"), "a hello of 70,000 bytes is refused before it has come", got)


def case_what_is_no_hello_gets_an_alert(lab):
    ensure(lab)
    for what, alert in (("474554202f20485454502f312e310d0a0d0a", 10),  # GET / HTTP/1.1
                        ("16030100020000", 10),  # a HelloRequest, of a client
                        ("1503010002022a" + "00", None),  # a fatal alert
                        ("17030300050000000000", 10),  # application data first
                        ("1603014801" + "00" * 32, 22),  # longer than a record is
                        ("1603010000", 10)):  # a fragment without a byte (RFC 8446 5.1)
        got = raw(lab, what)
        check(got == (f"alert {alert}" if alert else "eof"), f"{what[:24]}...", got)


def with_early_data(lab, version_args, size, port=HTTPS, ok=True):
    """A session of this server's with the claim that it takes early data, and a client that believes it."""
    with lab.scratch() as d:
        s_client(lab, "-tls1_3", "-sess_out", d / "s", *version_args, port=port)
        session = Session((d / "s").read_text())
        session.allow_early_data(1 << 20)
        (d / "claims").write_text(session.pem())
        (d / "early").write_bytes(b"GET /early HTTP/1.1\r\n" + bytes(size))
        return s_client(lab, "-tls1_3", "-sess_in", d / "claims", "-early_data", d / "early", *version_args, port=port, ok=ok)


def case_early_data_is_skipped(lab):
    ensure(lab)
    for size in (1, 1000, 8000):
        with counted(lab, {"tls.handshakes": 2, "tls.resumed": 1}):
            out = with_early_data(lab, (), size)
        check("Early data was rejected" in out and "\nReused, " in out, f"{size} bytes skipped, and resumed", out[-3000:])


def case_early_data_before_a_hello_retry_request_is_skipped(lab):
    ensure(lab)
    with counted(lab, {"tls.handshakes": 2, "tls.resumed": 1}):
        out = with_early_data(lab, ("-groups", "X25519:P-384"), 1000, port=P384_ONLY)
    check("Early data was rejected" in out and "\nReused, " in out, "skipped, and resumed", out[-3000:])


def case_early_data_without_end_is_refused(lab):
    ensure(lab)
    with counted(lab, {"tls.handshakes": 1, "tls.alerts_sent": 1}):
        out = with_early_data(lab, (), 1 << 19, ok=False)
    check("200 OK" not in out, "half a MiB of early data was taken", out[-2000:])
    s_client(lab)
