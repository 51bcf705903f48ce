"""A client that closes its sending half and still wants the answer. Arguments: address port"""
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as s:
    s.sendall(b"GET /1k HTTP/1.0\r\nHost: site.test\r\n\r\n")
    s.shutdown(socket.SHUT_WR)
    got = b""
    while piece := s.recv(65536):
        got += piece
    print("answered" if got.startswith(b"HTTP/1.1 200") and len(got) > 1024 else f"got {len(got)} bytes")
