"""Certificates, documents and filled-in templates of a run."""

import pathlib

import ground
from ground import said

HERE = pathlib.Path(__file__).resolve().parent
SITE = "site.test"
KEYS = {"p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}
SIZES = (0, 100, 1024, 1 << 20)


def make(state):
    """An authority, a certificate of each kind (`KIND.pem`: chain and key in one file), documents named after their size."""
    (state / "site.ext").write_text(f"basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:{SITE},IP:{ground.GATE_FRONT},IP:{ground.SLUICE_FRONT}\n")
    make_key(state, "ca", "p256")
    said("openssl", "req", "-x509", "-new", "-key", state / "ca.key", "-subj", "/CN=Sluice versus", "-days", 30, "-out", state / "ca.crt")
    for kind in KEYS:
        make_key(state, kind, kind)
        said("openssl", "req", "-new", "-key", state / f"{kind}.key", "-subj", f"/CN={SITE}", "-out", state / f"{kind}.csr")
        said("openssl", "x509", "-req", "-in", state / f"{kind}.csr", "-CA", state / "ca.crt", "-CAkey", state / "ca.key", "-CAcreateserial", "-days", 30,
             "-extfile", state / "site.ext", "-out", state / f"{kind}.crt")
        (state / f"{kind}.pem").write_text((state / f"{kind}.crt").read_text() + (state / f"{kind}.key").read_text())
    (state / "www" / "put").mkdir(parents=True)
    for size in SIZES:
        (state / "www" / str(size)).write_bytes(bytes(range(33, 97)) * (size // 64) + bytes(range(33, 33 + size % 64)))


def make_key(state, name, kind):
    said("openssl", "genpkey", *KEYS[kind], "-out", state / f"{name}.key")


def fill(the_ground, template, origins=tuple(ground.KERNEL_ORIGINS), **words):
    """Writes a template to the run's folder with its @WORDS@ replaced; none may be left over. A line with @EACH@ is there for each origin."""
    path = the_ground.state / template
    words |= {"STATE": the_ground.state, "FILES": the_ground.files - 100, "HALF": (the_ground.files - 100) // 2 - 100}
    words |= dict(zip(("ORIGIN_HOST", "ORIGIN_PORT"), origins[0].rsplit(":", 1)))
    words |= {"FRONT": f"{ground.GATE_FRONT}:{ground.FRONT_PORT}", "FRONT_HOST": ground.GATE_FRONT, "FRONT_PORT": ground.FRONT_PORT}
    text = "".join("".join(line.replace("@EACH@", o).replace("@N@", str(n)) for n, o in enumerate(origins)) if "@EACH@" in line else line
                   for line in (HERE / "rivals" / template).read_text().splitlines(keepends=True))
    for word, value in words.items():
        text = text.replace(f"@{word}@", str(value))
    if "@" in text:
        raise ground.Trouble(f"{template}: a word is not known: {text[text.index('@'):][:30]}")
    path.write_text(text)
    return path
