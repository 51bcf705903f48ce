/* options_words: numbers and names of a command line. Each returns 0, or a negative errno and says in err what the option would have. */
#ifndef LOAD_OPTIONS_WORDS_H
#define LOAD_OPTIONS_WORDS_H

#include "plan.h"

/* Digits alone. */
int word_count(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out, struct sl_err *err);
/* The same, K, M and G behind it meaning 2^10, 2^20 and 2^30. */
int word_bytes(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out, struct sl_err *err);
/* 1.5, 2e6; 0 only where min is 0. */
int word_real(const char *option, const char *text, double min, double max, double *out, struct sl_err *err);
/* What can be a server's name in TLS and HTTP. */
int word_host(const char *option, const char *text, const char **out, struct sl_err *err);

/* ---- a flow: a mode and what is said otherwise of it ---- */
enum flow_key { FLOW_CONNECTIONS, FLOW_RATE, FLOW_REQUESTS, FLOW_GET, FLOW_PUT, FLOW_KEYS };

extern const char *const flow_key_name[FLOW_KEYS]; /* of --flow; "--" before them makes the options' */

/* false: there is no such mode. */
bool flow_begin(struct load_flow *f, const char *mode, size_t len);
int flow_set(struct load_flow *f, enum flow_key key, const char *option, const char *text, struct sl_err *err);
/* MODE[,KEY=VALUE]... */
int flow_parse(struct load_flow *f, const char *text, struct sl_err *err);
/* Writes all modes, with commas. */
const char *flow_modes(char *out, size_t room);

#endif
