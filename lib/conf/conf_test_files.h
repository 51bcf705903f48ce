/* Files for tests of conf: every path has a PEM but those that say otherwise. */
#ifndef SL_CONF_TEST_FILES_H
#define SL_CONF_TEST_FILES_H

#include "conf/conf.h"

#include <errno.h>
#include <stdlib.h>

static inline uint8_t *fake_read(void *ctx, const char *path, size_t *len_bytes, struct sl_err *err)
{
    static const char text[] = "PEM";
    uint8_t *bytes;

    if (strstr(path, "missing") != NULL) {
        sl_err_set(err, -ENOENT, "No such file or directory");
        return NULL;
    }
    *len_bytes = strstr(path, "empty") != NULL ? 1 : sizeof text;
    bytes = calloc(1, *len_bytes);
    if (bytes != NULL && *len_bytes > 1)
        memcpy(bytes, text, sizeof text);
    return bytes;
}

#endif
