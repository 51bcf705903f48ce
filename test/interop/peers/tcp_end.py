"""A TCP client that says how the server ended the connection. Arguments: address port"""
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as s:
    try:
        s.sendall(b"hello\n")
        while s.recv(65536):
            pass
        print("fin")
    except ConnectionResetError:
        print("reset")
