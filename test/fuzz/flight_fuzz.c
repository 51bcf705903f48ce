/* The list of what is in flight against a model that knows every byte (lib/tcp/flight_model.h).
 *
 * Input: whether the model is exact, then numbers, four bytes each where many are possible and one where few are. */
#include <stdlib.h>

#include "plain.h"

#define MODEL_MUST(what)                                                                                               \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            abort();                                                                                                   \
    } while (0)
#define MODEL_PLAIN FUZZ_PLAIN
#define MODEL_CHECK_STEPS 8u
#include "tcp/flight_model.h"

#define STEPS_MAX 500u

int flight_fuzz_one(const uint8_t *data, size_t size);

static uint32_t read_number(void *ctx, uint32_t n)
{
    struct sl_cursor *c = ctx;

    return (n > 256 ? sl_cursor_u32(c) : sl_cursor_u8(c)) % n;
}

int flight_fuzz_one(const uint8_t *data, size_t size)
{
    struct sl_cursor c = sl_cursor_of(data, size);
    struct model_numbers numbers = {read_number, &c};
    bool exact = sl_cursor_u8(&c) & 1;

    model_run(&numbers, SL_MIN((uint32_t)size / 2, STEPS_MAX), exact);
    return 0;
}
