/* Keys of tickets as machines share them: a text of a line each. */
#include <stdio.h>

#include "crypto/crypto.h"
#include "tls/ticket.h"

const char *const sl_ticket_role_name[SL_TICKET_ROLE_COUNT] = {
    [SL_TICKET_NEXT] = "next", [SL_TICKET_CURRENT] = "current", [SL_TICKET_PREVIOUS] = "previous"};

const char *const sl_ticket_fault_text[SL_TICKET_FAULT_COUNT] = {
    [SL_TICKET_FAULT_NONE] = "good",
    [SL_TICKET_FAULT_ROLE] = "a line begins with next, current or previous",
    [SL_TICKET_FAULT_TWICE] = "each of next, current and previous stands once",
    [SL_TICKET_FAULT_DIGITS] = "64 hexadecimal digits stand behind the word, and nothing else",
    [SL_TICKET_FAULT_SAME] = "another line has this key already",
    [SL_TICKET_FAULT_NO_CURRENT] = "no current key in it (a line of \"current\" and 64 hexadecimal digits)",
};

static const char head[] =
    "# Keys of session tickets: secret. The same file on all machines that serve the same names;\n"
    "# `sluicectl tickets` rotates it.\n";
static_assert(sizeof head + SL_TICKET_ROLE_COUNT * (10 + 2 * SL_TICKET_SECRET_BYTES) <= SL_TICKET_TEXT_MAX, "room");

void sl_ticket_set_wipe(struct sl_ticket_set *set) { sl_crypto_wipe(set, sizeof *set); }

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next word of a line: its length, 0 at the end. */
static size_t next_word(struct sl_cursor *line, const uint8_t **word)
{
    while (line->p < line->end && is_space(*line->p))
        line->p++;
    *word = line->p;
    while (line->p < line->end && !is_space(*line->p))
        line->p++;
    return (size_t)(line->p - *word);
}

static bool read_secret(const uint8_t *word, size_t len, uint8_t *out)
{
    if (len != 2 * (size_t)SL_TICKET_SECRET_BYTES)
        return false;
    for (size_t i = 0; i < SL_TICKET_SECRET_BYTES; i++) {
        int high = digit(word[2 * i]), low = digit(word[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum sl_ticket_fault read_line(struct sl_ticket_set *set, struct sl_cursor line)
{
    const uint8_t *word;
    size_t len = next_word(&line, &word);
    uint32_t role = 0;

    if (len == 0)
        return SL_TICKET_FAULT_NONE;
    while (role < SL_TICKET_ROLE_COUNT &&
           (strlen(sl_ticket_role_name[role]) != len || memcmp(sl_ticket_role_name[role], word, len) != 0))
        role++;
    if (role == SL_TICKET_ROLE_COUNT)
        return SL_TICKET_FAULT_ROLE;
    if (set->has[role])
        return SL_TICKET_FAULT_TWICE;
    len = next_word(&line, &word);
    if (!read_secret(word, len, set->secret[role]) || next_word(&line, &word) != 0)
        return SL_TICKET_FAULT_DIGITS;
    set->has[role] = true;
    for (uint32_t i = 0; i < SL_TICKET_ROLE_COUNT; i++)
        if (i != role && set->has[i] && sl_crypto_equal(set->secret[i], set->secret[role], SL_TICKET_SECRET_BYTES))
            return SL_TICKET_FAULT_SAME;
    return SL_TICKET_FAULT_NONE;
}

enum sl_ticket_fault sl_ticket_set_parse(struct sl_ticket_set *set, const char *text, size_t len_bytes, uint32_t *line)
{
    struct sl_cursor c = sl_cursor_of(text, len_bytes);
    enum sl_ticket_fault fault = SL_TICKET_FAULT_NONE;

    *set = (struct sl_ticket_set){0};
    for (*line = 1; c.p < c.end && !fault; ++*line) {
        const uint8_t *end = memchr(c.p, '\n', (size_t)(c.end - c.p)), *comment;
        size_t len = (size_t)((end ? end : c.end) - c.p);

        comment = memchr(c.p, '#', len);
        fault = read_line(set, sl_cursor_of(c.p, comment ? (size_t)(comment - c.p) : len));
        if (fault)
            break;
        c.p += len + (end != NULL);
    }
    if (!fault && !set->has[SL_TICKET_CURRENT]) {
        fault = SL_TICKET_FAULT_NO_CURRENT;
        *line = 0;
    }
    if (fault)
        sl_ticket_set_wipe(set);
    return fault;
}

size_t sl_ticket_set_format(const struct sl_ticket_set *set, char out[static SL_TICKET_TEXT_MAX])
{
    size_t at = (size_t)snprintf(out, SL_TICKET_TEXT_MAX, "%s", head);

    for (uint32_t role = 0; role < SL_TICKET_ROLE_COUNT; role++) {
        if (!set->has[role])
            continue;
        at += (size_t)snprintf(out + at, SL_TICKET_TEXT_MAX - at, "%-8s ", sl_ticket_role_name[role]);
        for (uint32_t i = 0; i < SL_TICKET_SECRET_BYTES; i++)
            at += (size_t)snprintf(out + at, SL_TICKET_TEXT_MAX - at, "%02x", set->secret[role][i]);
        at += (size_t)snprintf(out + at, SL_TICKET_TEXT_MAX - at, "\n");
    }
    return at;
}

static void make(struct sl_ticket_set *set, enum sl_ticket_role role)
{
    sl_crypto_random(set->secret[role], SL_TICKET_SECRET_BYTES);
    set->has[role] = true;
}

void sl_ticket_set_make(struct sl_ticket_set *set)
{
    *set = (struct sl_ticket_set){0};
    make(set, SL_TICKET_NEXT);
    make(set, SL_TICKET_CURRENT);
}

void sl_ticket_set_rotate(struct sl_ticket_set *set)
{
    memcpy(set->secret[SL_TICKET_PREVIOUS], set->secret[SL_TICKET_CURRENT], SL_TICKET_SECRET_BYTES);
    set->has[SL_TICKET_PREVIOUS] = true;
    if (set->has[SL_TICKET_NEXT])
        memcpy(set->secret[SL_TICKET_CURRENT], set->secret[SL_TICKET_NEXT], SL_TICKET_SECRET_BYTES);
    else
        make(set, SL_TICKET_CURRENT);
    make(set, SL_TICKET_NEXT);
}
