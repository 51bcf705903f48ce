"""A TLS client whose ClientHello goes out in pieces, and that then fetches a page. Prints `page`, or how it was refused.

Arguments: address port ca.crt MODE
  bytes        a segment a byte
  records:N    records of N bytes of the message
  both         records of one byte, each in segments of its own
  alpn:N       with N bytes of names of protocols before http/1.1
"""
import socket
import ssl
import struct
import sys
import time

SITE = "site.test"
address, port, ca, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
mode, _, amount = mode.partition(":")


def in_records(message, n):
    return [b"\x16\x03\x01" + struct.pack(">H", len(message[i:i + n])) + message[i:i + n] for i in range(0, len(message), n)]


def pieces(hello):
    if mode == "bytes":
        return [hello[i:i + 1] for i in range(len(hello))]
    if mode == "records":
        return in_records(hello[5:], int(amount))
    if mode == "both":
        return in_records(hello[5:], 1)
    return [hello]


def protocols(n):
    return [f"{i:05d}".ljust(200, "x") for i in range(n // 201)] + ["http/1.1"]


def fetch(sock):
    context = ssl.create_default_context(cafile=ca)
    if mode == "alpn":
        context.set_alpn_protocols(protocols(int(amount)))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=SITE)

    def until_done(step, *args):
        while True:
            try:
                return step(*args)
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                got = sock.recv(65536)
                if got:
                    incoming.write(got)
                else:
                    incoming.write_eof()

    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        for piece in pieces(outgoing.read()):
            sock.sendall(piece)
            time.sleep(0.0003)  # for the kernel to send it by itself
    until_done(tls.do_handshake)
    if mode == "alpn" and tls.selected_alpn_protocol() != "http/1.1":
        return "another protocol"
    tls.write(f"GET /1k HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode())
    sock.sendall(outgoing.read())
    answer = b""
    while len(answer.partition(b"\r\n\r\n")[2]) < 1024:
        answer += until_done(tls.read, 65536)
    return "page" if answer.startswith(b"HTTP/1.1 200") else "no page"


with socket.create_connection((address, port), timeout=20) as sock:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        print(fetch(sock))
    except ssl.SSLError as e:
        print(e.reason)
