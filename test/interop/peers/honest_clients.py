"""Clients that each open a connection, ask for a document by HTTP, read it to its end and close. Prints one JSON object: for each client the milliseconds
until connected and until all was there, and what went wrong for those that got no answer.

Arguments: address port path clients at-once seconds-for-each [expected-bytes]
"""
import concurrent.futures
import json
import socket
import sys
import time

address, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
n, at_once, limit = int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6])
expected = int(sys.argv[7]) if len(sys.argv) > 7 else None


def fetch(_):
    begun = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout=limit) as s:
            connected = time.monotonic()
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n".encode())
            got = b""
            while piece := s.recv(65536):
                got += piece
                if time.monotonic() - begun > limit:
                    return "too late"
    except OSError as e:
        return f"{type(e).__name__}: {e}"
    head, _, body = got.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0] or (expected is not None and len(body) != expected):
        return f"answer of {len(body)} bytes: {head[:80]!r}"
    return (connected - begun) * 1000, (time.monotonic() - begun) * 1000


with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
    results = list(pool.map(fetch, range(n)))
print(json.dumps({"connect_ms": [r[0] for r in results if not isinstance(r, str)], "answer_ms": [r[1] for r in results if not isinstance(r, str)],
                  "failures": [r for r in results if isinstance(r, str)]}))
