/* hello_text: ClientHello messages written as text: hexadecimal bytes, `xx*N` for a byte N times, (...) for a vector with
 * a length of two bytes and [...] for one with a length of one. May end the process on misuse. */
#ifndef TH_HELLO_TEXT_H
#define TH_HELLO_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* What stands before the extensions: version, random, session id, suites, compression. */
#define TH_FRONT(suites, methods) "0303 5a*32 [77*32] (" suites ") [" methods "]"
#define TH_SUITES "1301 1302 1303 c02b c02f"

#define TH_GROUPS "000a((001d 0017))"
#define TH_SIGNATURES "000d((0403 0804))"
#define TH_VERSIONS "002b([0304 0303])"
#define TH_SHARE "0033((001d (09*32)))"
#define TH_NAME "0000((00 (7777772e6578616d706c652e636f6d)))" /* www.example.com */
#define TH_MODES "002d([01])"
#define TH_PSK "0029(((abcd) 00000001) ([33*32]))"

#define TH_V13_WITH(more) TH_FRONT(TH_SUITES, "00") "(" TH_VERSIONS TH_GROUPS TH_SIGNATURES TH_SHARE more ")"
#define TH_V12_WITH(more) TH_FRONT("c02b c02f 00ff", "00") "(" TH_GROUPS TH_SIGNATURES more ")"

/* Writes the bytes that the text stands for; their number, less than room. */
size_t th_hello_text(const char *text, uint8_t *out, size_t room);

/* A handshake message of the type around a body of n bytes, malloc'd to exactly its length. */
uint8_t *th_hello_frame(uint8_t type, const uint8_t *body, size_t n, uint32_t *len);

/* A ClientHello of a body written as text, of less than 4 KiB. */
uint8_t *th_hello(const char *text, uint32_t *len);

#endif
