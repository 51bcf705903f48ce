#include <stdarg.h>
#include <stdio.h>

#include "base/base.h"

int sl_err_set(struct sl_err *err, int code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return code;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}
