#!/usr/bin/env python3
"""A client that looks closely: probe.py ADDRESS PORT CA NAME PATH. It checks the certificate, asks once, comes again with the session, and prints what it saw.

{"version":..,"suite":..,"body":text of the answer,"reused":whether the second handshake was short}
"""

import json
import socket
import ssl
import sys


def ask(context, address, port, name, path, session=None):
    with socket.create_connection((address, port), timeout=3) as plain, context.wrap_socket(plain, server_hostname=name, session=session) as tls:
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        try:
            while piece := tls.recv(65536):
                answer += piece
        except OSError:
            pass  # no origin yet, or an end without close_notify: the body says whether it matters
        return tls.version(), tls.cipher()[0], answer.partition(b"\r\n\r\n")[2].decode(errors="replace"), tls.session, tls.session_reused


def main():
    address, port, ca, name, path = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca)
    version, suite, body, session, _ = ask(context, address, int(port), name, path)
    reused = session is not None and session.has_ticket and ask(context, address, int(port), name, path, session)[4]
    print(json.dumps({"version": version, "suite": suite, "body": body, "reused": bool(reused)}))


if __name__ == "__main__":
    main()
