#!/usr/bin/env python3
"""Opens connections, makes one request on each, holds them; at SIGUSR1 makes one on a random tenth. hold.py ADDRESS PORT CA NAME PATH SIZE COUNT

Two lines of JSON: {"held":n}, and at the end {"asked":n,"failed":n}.
"""

import json
import random
import resource
import signal
import socket
import ssl
import sys


def answer(tls, path, name, size):
    """Whether an answer with so many bytes came."""
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    seen = b""
    while len(seen.partition(b"\r\n\r\n")[2]) < size:
        piece = tls.recv(16384)
        if not piece:
            return False
        seen += piece
    return seen.startswith(b"HTTP/1.1 200")


def main():
    address, port, ca, name, path, size, count = sys.argv[1:]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    context = ssl.create_default_context(cafile=ca)
    held = []
    for _ in range(int(count)):
        tls = context.wrap_socket(socket.create_connection((address, int(port)), timeout=20), server_hostname=name)
        if not answer(tls, path, name, int(size)):
            sys.exit(f"connection {len(held)}: no answer")
        held.append(tls)
    print(json.dumps({"held": len(held)}), flush=True)
    signal.sigwait({signal.SIGUSR1})
    asked = random.sample(held, max(1, len(held) // 10))
    failed = 0
    for tls in asked:
        try:
            failed += not answer(tls, path, name, int(size))
        except OSError:
            failed += 1
    print(json.dumps({"asked": len(asked), "failed": failed}), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
