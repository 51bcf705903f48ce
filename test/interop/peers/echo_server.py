"""Echoes what one connection sends. Arguments: address port"""
import socket
import sys

with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    server.settimeout(30)
    print("ready", flush=True)
    s, _ = server.accept()
    with s:
        s.settimeout(30)
        while data := s.recv(4096):
            s.sendall(data)
