/* Types of values that are numbers: counts, sizes, durations, port ranges. Where a unit is possible it must stand. */
#include "conf/internal.h"

#include <inttypes.h>
#include <stdio.h>

#define KIB UINT64_C(1024)

static const struct conf_unit size_units[] = {
    {"B", 1},     {"K", KIB},        {"M", KIB *KIB},        {"G", KIB *KIB *KIB},
    {"KiB", KIB}, {"MiB", KIB *KIB}, {"GiB", KIB *KIB *KIB}, {NULL, 0},
};

static const struct conf_unit duration_units[] = {
    {"us", SL_NS_PER_US},      {"ms", SL_NS_PER_MS},       {"s", SL_NS_PER_S}, {"min", 60 * SL_NS_PER_S},
    {"h", 3600 * SL_NS_PER_S}, {"d", 86400 * SL_NS_PER_S}, {NULL, 0},
};

/* Decimal digits at the start of *text, which moves past them. False when there is none; *v is UINT64_MAX when it is
 * too large to hold. */
static bool digits(const char **text, uint64_t *v)
{
    const char *p = *text;

    for (*v = 0; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(*v, UINT64_C(10), v) || __builtin_add_overflow(*v, (uint64_t)(*p - '0'), v))
            *v = UINT64_MAX; /* another digit overflows again */
    if (p == *text)
        return false;
    *text = p;
    return true;
}

static const char *unit_names(const struct conf_unit *units, char out[static CONF_HINT_MAX])
{
    size_t used = 0;

    out[0] = '\0';
    for (; units->name != NULL && used < CONF_HINT_MAX; units++)
        used += (size_t)snprintf(out + used, CONF_HINT_MAX - used, "%s%s", used > 0 ? ", " : "", units->name);
    return out;
}

static bool apply_unit(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node,
                       const char *unit, uint64_t *v)
{
    char names[CONF_HINT_MAX], word[CONF_WORD_MAX];

    if (*unit == '\0' && *v == 0)
        return true; /* nothing of any unit */
    if (*unit == '\0')
        return conf_refuse(r, key, node, "has no unit, allowed: %s", unit_names(key->type->units, names));
    for (const struct conf_unit *u = key->type->units; u->name != NULL; u++)
        if (strcmp(u->name, unit) == 0) {
            if (__builtin_mul_overflow(*v, u->factor, v))
                *v = UINT64_MAX;
            return true;
        }
    return conf_refuse(r, key, node, "has the unknown unit \"%s\", allowed: %s", conf_word(unit, word),
                       unit_names(key->type->units, names));
}

static bool parse_number(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    const char *p = node->text;
    struct sl_conf_number *number = out;
    char low[CONF_NUMBER_MAX], high[CONF_NUMBER_MAX];
    uint64_t v;

    if (!digits(&p, &v) || (key->type->units == NULL && *p != '\0') || (p[0] == '.' && p[1] != '\0'))
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    if (key->type->units != NULL && !apply_unit(r, key, node, p, &v))
        return false;
    if (v < key->min || v > key->max)
        return conf_refuse(r, key, node, "is out of range, allowed: %s to %s",
                           conf_number_format(key->type, key->min, low), conf_number_format(key->type, key->max, high));
    *number = (struct sl_conf_number){.v = v, .mark = node->mark};
    return true;
}

static bool equal_number(const void *a, const void *b)
{
    const struct sl_conf_number *x = a, *y = b;

    return x->v == y->v;
}

const char *conf_number_format(const struct conf_type *type, uint64_t v, char out[static CONF_NUMBER_MAX])
{
    const struct conf_unit *best = NULL;

    for (const struct conf_unit *u = type->units; v != 0 && u != NULL && u->name != NULL; u++)
        if (v % u->factor == 0 && (best == NULL || u->factor > best->factor))
            best = u;
    snprintf(out, CONF_NUMBER_MAX, "%" PRIu64 "%s", best != NULL ? v / best->factor : v,
             best != NULL ? best->name : "");
    return out;
}

/* Two numbers side by side: the least and the greatest port. */
static bool parse_ports(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    struct sl_conf_number *range = out;
    const char *p = node->text;
    uint64_t low, high;

    if (!digits(&p, &low))
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    high = low;
    if (*p == '-') {
        p++;
        if (!digits(&p, &high))
            return conf_refuse(r, key, node, "is not %s", key->type->form);
    }
    if (*p != '\0')
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    if (low < key->min || high > key->max)
        return conf_refuse(r, key, node, "is out of range, allowed: %u to %u", (unsigned)key->min, (unsigned)key->max);
    if (low > high)
        return conf_refuse(r, key, node, "ends before it begins: the lower port comes first");
    range[0] = (struct sl_conf_number){.v = low, .mark = node->mark};
    range[1] = (struct sl_conf_number){.v = high, .mark = node->mark};
    return true;
}

static bool equal_ports(const void *a, const void *b)
{
    const struct sl_conf_number *x = a, *y = b;

    return x[0].v == y[0].v && x[1].v == y[1].v;
}

#define NUMBER_SIZE .size_bytes = sizeof(struct sl_conf_number), .mark_offset = offsetof(struct sl_conf_number, mark)

const struct conf_type conf_type_count = {
    .form = "a whole number", NUMBER_SIZE, .ranged = true, .parse = parse_number, .equal = equal_number};
const struct conf_type conf_type_size = {.form = "a size such as 512M",
                                         NUMBER_SIZE,
                                         .units = size_units,
                                         .ranged = true,
                                         .parse = parse_number,
                                         .equal = equal_number};
const struct conf_type conf_type_duration = {.form = "a duration such as 3s",
                                             NUMBER_SIZE,
                                             .units = duration_units,
                                             .ranged = true,
                                             .parse = parse_number,
                                             .equal = equal_number};
const struct conf_type conf_type_ports = {.form = "a port or a range such as 32768-60999",
                                          .size_bytes = 2 * sizeof(struct sl_conf_number),
                                          .mark_offset = offsetof(struct sl_conf_number, mark),
                                          .ranged = true,
                                          .parse = parse_ports,
                                          .equal = equal_ports};
