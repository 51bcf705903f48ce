"""Many connections that begin a TLS handshake and do not end it. Prints `ready` when all have begun; goes on until it is ended.

Arguments: address port connections MODE
  answered   a whole hello is sent and the server's flight is read; Finished never comes
  dawdle     a byte of a hello each second
"""
import resource
import socket
import ssl
import sys
import time

address, port, n, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
resource.setrlimit(resource.RLIMIT_NOFILE, (n + 100, max(n + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def hello():
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="site.test")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


socks, text = [], hello()
for _ in range(n):
    s = socket.create_connection((address, port), timeout=20)
    s.sendall(hello() if mode == "answered" else text[:1])
    socks.append(s)
if mode == "answered":
    for s in socks:
        s.recv(65536)
print("ready", flush=True)
for at in range(1, 1000):
    time.sleep(1)
    for s in socks if mode == "dawdle" else []:
        try:
            s.sendall(text[at:at + 1])
        except OSError:
            pass  # sent away
