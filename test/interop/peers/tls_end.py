"""A TLS client that says how the server ended the connection. Arguments: address port ca.crt"""
import socket
import ssl
import sys

context = ssl.create_default_context(cafile=sys.argv[3])
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as raw:
    tls = context.wrap_socket(raw, server_hostname="site.test", suppress_ragged_eofs=False)
    try:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
        print("close_notify" if tls.recv(4096) == b"" else "data")
    except ssl.SSLEOFError:
        print("truncated")
    except ConnectionResetError:
        print("reset")
