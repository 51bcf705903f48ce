"""The lab of the TLS cases: tls.yaml in a running lab, certificates good and bad, and the peers' programs."""

import os
import re
import select
import subprocess
import time

import lab as labs
from lab import FRONT4, SITE, check, run

PEERS = labs.TOP / "test" / "interop" / "peers"
CONFIG = labs.TOP / "test" / "interop" / "tls.yaml"
OTHER = "www.other.test"

# Listeners of tls.yaml by their ports.
HTTPS, MODERN, STRICT, RSA, X25519_ONLY, P256_ONLY, P384_ONLY = 443, 4431, 4432, 4433, 4434, 4435, 4436
MUTUAL, OPTIONAL, FLEET, NO_TICKETS, TOLD, HASTY, H2, SWAPPED, TLS_RAW = 8443, 4437, 4438, 4439, 4440, 4441, 4442, 4443, 4444


# ---- certificates ----

def openssl(*args, **kw):
    return run(["openssl", *args], **kw)


def make_key(path):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)


class Authority:
    """An authority of the lab: its certificate and key, and what `openssl ca` remembers of it."""

    def __init__(self, state, name):
        self.name, self.crt, self.key, self.folder = name, state / f"{name}.crt", state / f"{name}.key", state / f"{name}.db"
        self.conf = self.folder / "ca.cnf"
        if self.folder.exists():
            return
        self.folder.mkdir()
        (self.folder / "index").write_text("")
        self.conf.write_text(f"[ca]\ndefault_ca=ca_own\n[ca_own]\ndatabase={self.folder}/index\nnew_certs_dir={self.folder}\nrand_serial=yes\n"
                             "default_md=sha256\ndefault_days=30\ndefault_crl_days=30\nunique_subject=no\npolicy=any\n[any]\ncommonName=supplied\n")
        if not self.key.exists():
            make_key(self.key)
            openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                    "-out", self.crt)

    def ca(self, *args):
        openssl("ca", "-batch", "-notext", "-config", self.conf, "-cert", self.crt, "-keyfile", self.key, *args)

    def issue(self, path, subject, extensions, *args):
        """A certificate and its key as path.crt and path.key; a key that is there is kept."""
        key, request, ext = path.with_suffix(".key"), path.with_suffix(".csr"), path.with_suffix(".ext")
        if not key.exists():
            make_key(key)
        ext.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n" + extensions + "\n")
        openssl("req", "-new", "-key", key, "-subj", f"/CN={subject}", "-out", request)
        self.ca("-in", request, "-extfile", ext, "-out", path.with_suffix(".crt"), *args)


FOR_CLIENTS = "extendedKeyUsage=clientAuth"


def for_servers(*names):
    return "extendedKeyUsage=serverAuth\nsubjectAltName=" + ",".join(f"DNS:{n}" for n in names)


def make_certificates(state):
    site, clients, strangers = Authority(state, "ca"), Authority(state, "clients-ca"), Authority(state, "strangers-ca")
    site.issue(state / "other", OTHER, for_servers(OTHER))
    site.issue(state / "swapped", SITE, for_servers(SITE))
    clients.issue(state / "good", "good", FOR_CLIENTS)
    clients.issue(state / "expired", "expired", FOR_CLIENTS, "-startdate", "20200101000000Z", "-enddate", "20210101000000Z")
    clients.issue(state / "purpose", "purpose", "extendedKeyUsage=serverAuth")
    clients.issue(state / "revoked", "revoked", FOR_CLIENTS)
    strangers.issue(state / "stranger", "stranger", FOR_CLIENTS)
    clients.ca("-revoke", state / "revoked.crt")
    clients.ca("-gencrl", "-out", state / "clients.crl")


def ensure(lab):
    """Brings tls.yaml into the lab where it is not the running configuration yet."""
    path, state = lab.state / "sluice.yaml", lab.state
    running = path.read_text()
    if "name: told" in running:
        return
    if not (state / "strangers-ca.db").exists():
        make_certificates(state)
    if not (state / "tickets.keys").exists():
        (state / "tickets.keys").write_text(run([lab.build / "app/sluice/sluice", "--ticket-keys"]).stdout)
    own = dict(re.findall(r"^(workers|control):(.*)$", running, re.M))
    path.write_text(re.sub(r"^workers:.*$", "workers:" + own["workers"], CONFIG.read_text(), flags=re.M) + "control:" + own["control"] + "\n")
    done = lab.ctl("reload", ok=False)
    check(done.returncode == 0, "tls.yaml is taken", done.stdout + done.stderr)


# ---- peers ----

def request(path="/1k", host=SITE):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"


def s_client(lab, *args, port=HTTPS, name=SITE, data=None, ok=True):
    """One request by openssl s_client. With ok the certificate must be good and the answer the page. What it wrote, both ways."""
    names = ["-servername", name] if name else ["-noservername"]
    done = lab.exec("client", "openssl", "s_client", "-connect", f"{FRONT4}:{port}", *names, "-CAfile", lab.state / "ca.crt", "-verify_return_error",
                    "-ign_eof", *args, data=request() if data is None else data, ok=False, timeout=30)
    out = done.stdout + done.stderr
    if ok:
        check("Verify return code: 0 (ok)" in out or "Verification: OK" in out, "certificate not verified", out[-3000:])
        check("200 OK" in out and lab.document("1k").read_text() in out.replace("\r", ""), "no page", out[-3000:])
    return out


def gnutls(lab, *args, port=HTTPS, data=None, ok=True):
    done = lab.exec("client", "gnutls-cli", "--x509cafile", lab.state / "ca.crt", "--sni-hostname", SITE, "--verify-hostname", SITE, *args, "--port", port,
                    FRONT4, data=data or request(), ok=False)
    out = done.stdout + done.stderr
    check(not ok or "200 OK" in out, "no page", out[-3000:])
    return out


def refused(lab, alert, *args, **kw):
    """s_client is told this alert and gets no page."""
    out = s_client(lab, *args, ok=False, **kw)
    check(f"SSL alert number {alert}\n" in out, f"alert {alert} expected", out[-3000:])
    check("200 OK" not in out, "an answer all the same", out[-3000:])
    return out


class counted:
    """Counters that grow by so much within the block, e.g. counted(lab, {"tls.resumed": 1}); None: by some."""

    def __init__(self, lab, wanted):
        self.lab, self.wanted = lab, wanted

    def __enter__(self):
        self.before = self.lab.stats()["counters"]

    def differences(self):
        after = self.lab.stats()["counters"]
        return {name: after[name] - self.before[name] for name in self.wanted}

    def __exit__(self, kind, *_):
        def fits():
            return all(got == want or (want is None and got > 0) for want, got in ((self.wanted[n], d) for n, d in self.differences().items()))

        if kind is None:
            try:
                labs.until(fits, 5, "counters")
            except labs.Failure:
                raise labs.Failure(f"counters: {self.differences()} where {self.wanted} was expected") from None


def certificate_options(lab, name):
    return "-cert", lab.state / f"{name}.crt", "-key", lab.state / f"{name}.key"


def peer(lab, program, *args, **kw):
    """A program of peers/ on the client's side; what it printed."""
    return lab.exec("client", "python3", PEERS / program, *args, **kw).stdout


def peer_command(program, *args):
    return "python3", PEERS / program, *args


def memory_kib(lab, what="VmRSS"):
    with open(f"/proc/{lab.pid()}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(what))


def environment(**variables):
    """For the front of a command in the lab."""
    return ["env", *(f"{k}={v}" for k, v in variables.items())]


class Talk:
    """openssl s_client spoken to line by line. A line K sends a KeyUpdate and asks for one, k only sends one, R renegotiates (1.2)."""

    def __init__(self, lab, *args, port=HTTPS, name=SITE):
        self.process = subprocess.Popen([str(labs.LAB), "exec", "client", "openssl", "s_client", "-connect", f"{FRONT4}:{port}", "-servername", name,
                                         "-CAfile", str(lab.state / "ca.crt"), "-verify_return_error", "-brief", *map(str, args)],
                                        env=lab.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.bytes, self.messages, self.end = bytearray(), bytearray(), False
        os.set_blocking(self.process.stdout.fileno(), False)
        os.set_blocking(self.process.stderr.fileno(), False)

    def __enter__(self):
        self.until(lambda: b"CONNECTION ESTABLISHED" in self.messages, "the handshake")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def read(self):
        for pipe, into in ((self.process.stdout, self.bytes), (self.process.stderr, self.messages)):
            got = pipe.read()
            into += got or b""
            self.end |= got == b""

    def until(self, holds, what):
        limit = time.monotonic() + 60
        while not holds():
            check(not self.end and time.monotonic() < limit, f"did not come: {what}", f"{bytes(self.bytes[-1000:])!r}\n{self.messages[-2000:].decode()}")
            select.select([self.process.stdout, self.process.stderr], [], [], 0.2)
            self.read()

    def pause(self):
        """Lets s_client read what it was given."""
        time.sleep(0.3)
        self.read()

    def say(self, data):
        self.process.stdin.write(data.encode() if isinstance(data, str) else data)
        self.process.stdin.flush()

    def answer(self, path="/1k", more=""):
        """Asks for a document on this connection, and returns it."""
        del self.bytes[:]
        self.say(f"GET {path} HTTP/1.1\r\nHost: {SITE}\r\n{more}\r\n")
        return self.body()

    def body(self):
        self.until(lambda: b"\r\n\r\n" in self.bytes, "the head of an answer")
        head, _, _ = bytes(self.bytes).partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
        self.until(lambda: len(self.bytes) >= len(head) + 4 + length, "the whole answer")
        return bytes(self.bytes[len(head) + 4:])
