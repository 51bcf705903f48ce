"""Sends a ClientHello as current browsers do: values that mean nothing (GREASE, RFC 8701), a post-quantum key share first, so that it needs more than one
segment, extensions that we do not know. Prints the suite and the group that the ServerHello has, or the alert. Arguments: address port"""
import os
import random
import socket
import struct
import sys

GREASE = [0x0A0A + 0x1010 * i for i in range(16)]
X25519, P256, P384, X25519MLKEM768 = 0x001D, 0x0017, 0x0018, 0x11EC


def short(*numbers):
    return b"".join(struct.pack(">H", n) for n in numbers)


def vector(body, size=2):
    return len(body).to_bytes(size, "big") + body


def hello():
    g = random.choice(GREASE)
    last = random.choice([x for x in GREASE if x != g])
    shares = short(g) + vector(b"\0") + short(X25519MLKEM768) + vector(os.urandom(1184 + 32)) + short(X25519) + vector(os.urandom(32))
    extensions = [(0, vector(b"\0" + vector(b"site.test"))), (23, b""), (65281, b"\0"), (10, vector(short(g, X25519MLKEM768, X25519, P256, P384))),
                  (11, b"\1\0"), (35, b""), (16, vector(vector(b"h2", 1) + vector(b"http/1.1", 1))), (5, b"\1\0\0\0\0"),
                  (13, vector(short(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601))), (18, b""), (51, vector(shares)), (45, b"\1\1"),
                  (43, vector(short(g, 0x0304, 0x0303), 1)), (27, b"\2\0\2"), (17513, vector(vector(b"h2", 1))), (65037, os.urandom(186))]
    random.shuffle(extensions)  # as they do
    extensions = [(g, b""), *extensions, (last, b"\0")]
    suites = short(g, 0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035)
    body = (b"\3\3" + os.urandom(32) + vector(os.urandom(32), 1) + vector(suites) + b"\1\0" +
            vector(b"".join(short(kind) + vector(content) for kind, content in extensions)))
    message = b"\1" + vector(body, 3)
    return b"\x16\3\1" + vector(message)


def exactly(sock, n):
    got = b""
    while len(got) < n:
        more = sock.recv(n - len(got))
        if not more:
            raise EOFError
        got += more
    return got


def group_of(server_hello):
    at = 4 + 2 + 32
    at += 1 + server_hello[at]
    suite, = struct.unpack_from(">H", server_hello, at)
    at += 2 + 1 + 2
    while at < len(server_hello):
        kind, size = struct.unpack_from(">HH", server_hello, at)
        if kind == 51:
            return suite, struct.unpack_from(">H", server_hello, at + 4)[0]
        at += 4 + size
    return suite, 0


with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as s:
    s.sendall(hello())
    kind, _, length = struct.unpack(">BHH", exactly(s, 5))
    body = exactly(s, length)
    print(f"alert {body[1]}" if kind == 21 else "suite {:04x} group {:04x}".format(*group_of(body)))
