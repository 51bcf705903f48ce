"""Sends bytes that it was given in hexadecimal, or a ClientHello of a length, and says what came back: `alert N`, `record N` (its type), `eof` or `reset`.

Arguments: address port HEX | hello:N     N bytes of message, with a padding extension (RFC 7685) that fills it
"""
import os
import socket
import struct
import sys


def hello(size):
    def extension(kind, body):
        return struct.pack(">HH", kind, len(body)) + body

    extensions = (extension(10, b"\0\2\0\x1d") + extension(13, b"\0\4\4\3\x08\4") + extension(43, b"\2\3\4") +
                  extension(51, b"\0\x24\0\x1d\0\x20" + os.urandom(32)))
    fixed = b"\3\3" + os.urandom(32) + b"\x20" + os.urandom(32) + b"\0\2\x13\1" + b"\1\0"
    padding = size - 4 - len(fixed) - 2 - len(extensions) - 4
    extensions += extension(21, bytes(padding))
    body = fixed + struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"".join(b"\x16\3\1" + struct.pack(">H", len(message[i:i + 16384])) + message[i:i + 16384] for i in range(0, len(message), 16384))


def exactly(sock, n):
    got = b""
    while len(got) < n:
        more = sock.recv(n - len(got))
        if not more:
            raise EOFError
        got += more
    return got


what = sys.argv[3]
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as s:
    try:
        s.sendall(hello(int(what[6:])) if what.startswith("hello:") else bytes.fromhex(what))
        kind, _, length = struct.unpack(">BHH", exactly(s, 5))
        body = exactly(s, length)
        print(f"alert {body[1]}" if kind == 21 and length == 2 else f"record {kind}")
    except EOFError:
        print("eof")
    except ConnectionResetError:
        print("reset")
