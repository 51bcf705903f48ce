"""Connects so many times and prints the SHA-256 of the certificate that was shown, one line each. Arguments: address port name connections"""
import hashlib
import socket
import ssl
import sys

context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
for _ in range(int(sys.argv[4])):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as raw, context.wrap_socket(raw, server_hostname=sys.argv[3]) as tls:
        print(hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest())
