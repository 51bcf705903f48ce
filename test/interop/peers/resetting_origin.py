"""An origin that answers with some bytes and then resets. Arguments: address port"""
import socket
import struct
import sys
import time

with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    server.settimeout(30)
    print("ready", flush=True)
    s, _ = server.accept()
    s.recv(4096)
    s.sendall(b"x" * 20000)
    time.sleep(0.2)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    time.sleep(5)
