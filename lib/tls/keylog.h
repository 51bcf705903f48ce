/* keylog: secrets of connections for whoever debugs them, in the format of SSLKEYLOGFILE, and only where the
 * configuration asks. */
#ifndef SL_TLS_KEYLOG_H
#define SL_TLS_KEYLOG_H

#include "tls/policy.h"

/* Appends a line to a file; see sl_port_append. */
typedef void (*sl_keylog_fn)(const char *path, const char *line, size_t len_bytes);

/* Tells one secret of the connection with this client random. label: "CLIENT_RANDOM" with 1.2's master secret, or those
 * of 1.3 such as "CLIENT_TRAFFIC_SECRET_0". Nothing where the settings name no file or write is NULL. At most 64 bytes
 * of secret. */
void sl_keylog(sl_keylog_fn write, const struct sl_tls_settings *settings, const char *label,
               const uint8_t client_random[static 32], const uint8_t *secret, uint32_t secret_bytes);

#endif
