"""Sends lines one by one and waits for each echo. Arguments: address port count"""
import socket
import sys
import time

count = 0
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as s:
    for i in range(int(sys.argv[3])):
        line = f"line {i}\n".encode()
        s.sendall(line)
        got = b""
        while len(got) < len(line):
            got += s.recv(4096)
        count += got == line
        time.sleep(0.02)
print(count, "echoed")
