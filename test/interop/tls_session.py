"""A session as `openssl s_client -sess_out` writes it (SSL_SESSION in DER, PEM around it), to be altered: its ticket, or how much early data its
server is said to allow."""

import base64
import textwrap

TICKET, MAX_EARLY_DATA = 10, 15  # explicit tags of the fields


def length(n):
    if n < 128:
        return bytes([n])
    body = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(body)]) + body


def elements(der):
    """(tag, content) of what stands in a sequence's content; tags are of one byte."""
    at = 0
    while at < len(der):
        tag, n, at = der[at], der[at + 1], at + 2
        if n & 0x80:
            more = n & 0x7f
            n, at = int.from_bytes(der[at:at + more], "big"), at + more
        yield tag, der[at:at + n]
        at += n


class Session:
    def __init__(self, pem):
        der = base64.b64decode("".join(line for line in pem.splitlines() if line and not line.startswith("-")))
        (_, content), = elements(der)
        self.fields = list(elements(content))

    def pem(self):
        content = b"".join(bytes([tag]) + length(len(value)) + value for tag, value in self.fields)
        der = b"\x30" + length(len(content)) + content
        text = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
        return f"-----BEGIN SSL SESSION PARAMETERS-----\n{text}\n-----END SSL SESSION PARAMETERS-----\n"

    def alter_ticket(self, at):
        for i, (tag, value) in enumerate(self.fields):
            if tag == 0xa0 | TICKET:
                (inner, ticket), = elements(value)
                ticket = bytearray(ticket)
                ticket[at] ^= 1
                self.fields[i] = (tag, bytes([inner]) + length(len(ticket)) + bytes(ticket))
                return
        raise ValueError("a session without a ticket")

    def allow_early_data(self, n):
        """As if the server had said that it takes n bytes."""
        number = n.to_bytes(n.bit_length() // 8 + 1, "big")
        field = (0xa0 | MAX_EARLY_DATA, b"\x02" + length(len(number)) + number)
        kept = [f for f in self.fields if f[0] != field[0]]
        before = [f for f in kept if f[0] < field[0]]
        self.fields = before + [field] + kept[len(before):]
