/* Where EAL's and the drivers' log lines go: the last ones are kept for error messages, and all are written to stderr once the start is over. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <rte_log.h>
#include <stdio.h>
#include <unistd.h>

#include "port/internal.h"

#define KEPT 1024 /* bytes */

static struct {
    pthread_mutex_t lock;
    FILE *stream;
    bool quiet;
    size_t len;
    char kept[KEPT];
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Newer text pushes older text out. */
static void keep(const char *text, size_t len)
{
    if (len > KEPT) {
        text += len - KEPT;
        len = KEPT;
    }
    if (sink.len + len > KEPT) {
        size_t gone = sink.len + len - KEPT;

        memmove(sink.kept, sink.kept + gone, sink.len - gone);
        sink.len -= gone;
    }
    memcpy(sink.kept + sink.len, text, len);
    sink.len += len;
}

static ssize_t take(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    pthread_mutex_lock(&sink.lock);
    keep(text, len);
    if (!sink.quiet) {
        char line[512];
        int n = snprintf(line, sizeof line, "dpdk: %.*s%s", (int)SL_MIN(len, 480), text,
                         len && text[len - 1] == '\n' ? "" : "\n");

        if (write(STDERR_FILENO, line, (size_t)n) < 0)
            sink.quiet = true; /* nobody listens */
    }
    pthread_mutex_unlock(&sink.lock);
    return (ssize_t)len;
}

int port_log_open(void)
{
    sink.stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = take});
    if (!sink.stream)
        return -ENOMEM;
    setvbuf(sink.stream, NULL, _IOLBF, 0);
    sink.quiet = true;
    return rte_openlog_stream(sink.stream);
}

const char *port_log_last(char *out, size_t size_bytes)
{
    size_t n = 0;

    pthread_mutex_lock(&sink.lock);
    for (size_t i = sink.len > size_bytes - 3 ? sink.len - (size_bytes - 3) : 0; i < sink.len; i++) {
        char c = sink.kept[i];

        if (c == '\n' && i + 1 < sink.len)
            out[n++] = ';';
        else if (c != '\n')
            out[n++] = c >= ' ' && c < 127 ? c : '?';
    }
    sink.len = 0;
    pthread_mutex_unlock(&sink.lock);
    out[n] = 0;
    return out;
}

void port_log_quiet(bool quiet)
{
    pthread_mutex_lock(&sink.lock);
    sink.quiet = quiet;
    pthread_mutex_unlock(&sink.lock);
}

void port_log_close(void)
{
    if (!sink.stream)
        return;
    (void)rte_openlog_stream(NULL);
    fclose(sink.stream);
    sink.stream = NULL;
}
