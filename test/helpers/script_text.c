/* Parser of a segment's text; script.h has the grammar. */
#include "helpers/script_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char flag_letters[] = "FSRPAUEC";

static bool parse_flags(const char *word, uint8_t *flags)
{
    *flags = 0;
    if (strcmp(word, ".") == 0)
        return true;
    for (; *word; word++) {
        const char *at = strchr(flag_letters, *word);

        if (!at)
            return false;
        *flags |= (uint8_t)(1u << (at - flag_letters));
    }
    return true;
}

static bool parse_number(const char *word, uint32_t *v)
{
    char *end;

    *v = (uint32_t)strtoll(word, &end, 0);
    return end != word && *end == '\0';
}

static bool parse_relative(const char *word, uint32_t *v, uint32_t *has, uint32_t bit, uint32_t abs_bit)
{
    *has |= bit;
    if (word[0] == '=') {
        *has |= abs_bit;
        word++;
    }
    return parse_number(word, v);
}

static bool parse_seq(char *word, struct script_seg *seg)
{
    char *paren = strchr(word, '(');

    if (paren) {
        char *close = strchr(paren, ')');

        if (!close || close[1])
            return false;
        *close = '\0';
        *paren = '\0';
        if (!parse_number(paren + 1, &seg->len))
            return false;
    }
    if (strcmp(word, "*") == 0)
        return true;
    return parse_relative(word, &seg->seq, &seg->has, SEG_SEQ, SEG_SEQ_ABS);
}

static bool parse_sacks(char *word, struct script_seg *seg)
{
    char *save;

    for (char *block = strtok_r(word, ",", &save); block; block = strtok_r(NULL, ",", &save)) {
        char *end;

        if (seg->n_sacks == TH_SACKS_MAX)
            return false;
        seg->sacks[seg->n_sacks][0] = (uint32_t)strtoll(block, &end, 0);
        if (*end != '-' || !parse_number(end + 1, &seg->sacks[seg->n_sacks][1]))
            return false;
        seg->n_sacks++;
    }
    return true;
}

static bool parse_hex(const char *word, struct script_seg *seg)
{
    for (; isxdigit((unsigned char)word[0]) && isxdigit((unsigned char)word[1]); word += 2) {
        char digits[3] = {word[0], word[1], '\0'};

        if (seg->opt_len == sizeof seg->opt)
            return false;
        seg->opt[seg->opt_len++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return *word == '\0';
}

static bool parse_ts(const char *word, struct script_seg *seg)
{
    char *end;

    seg->tsval = (uint32_t)strtoll(word, &end, 0);
    return *end == ',' && parse_number(end + 1, &seg->tsecr);
}

static const struct {
    const char *name;
    uint32_t bit;
    bool has_value;
} words[] = {
    {"ack", SEG_ACK, true},        {"wnd", SEG_WND, true},      {"win", SEG_WIN, true},
    {"mss", SEG_MSS, true},        {"ws", SEG_WS, true},        {"sackok", SEG_SACKOK, false},
    {"ts", SEG_TS, true},          {"sack", SEG_SACK, true},    {"nots", SEG_NOTS, false},
    {"nosack", SEG_NOSACK, false}, {"noopt", SEG_NOOPT, false}, {"opt", SEG_OPT, true},
    {"urg", SEG_URG, true},        {"doff", SEG_DOFF, true},    {"badsum", SEG_BADSUM, false},
    {"from", SEG_FROM, true},      {"fill", SEG_FILL, false},   {"ect", SEG_ECT, false},
    {"ce", SEG_CE, false},         {"noect", SEG_NOECT, false},
};

static bool parse_value(uint32_t bit, char *value, struct script_seg *seg)
{
    uint32_t v = 0;

    switch (bit) {
    case SEG_ACK:
        return parse_relative(value, &seg->ack, &seg->has, SEG_ACK, SEG_ACK_ABS);
    case SEG_SACK:
        return parse_sacks(value, seg);
    case SEG_OPT:
        return parse_hex(value, seg);
    case SEG_TS:
        return parse_ts(value, seg);
    default:
        break;
    }
    if (!parse_number(value, &v))
        return false;
    if (bit == SEG_WND)
        seg->wnd = (uint16_t)v;
    else if (bit == SEG_WIN)
        seg->win = v;
    else if (bit == SEG_MSS)
        seg->mss = (uint16_t)v;
    else if (bit == SEG_WS)
        seg->ws = (uint8_t)v;
    else if (bit == SEG_URG)
        seg->urg = (uint16_t)v;
    else if (bit == SEG_DOFF)
        seg->doff = (uint8_t)v;
    else
        seg->from = (uint16_t)v;
    return true;
}

static const char *parse_word(char *word, char **save, struct script_seg *seg)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(words); i++) {
        char *value;

        if (strcmp(words[i].name, word) != 0)
            continue;
        seg->has |= words[i].bit;
        if (!words[i].has_value)
            return NULL;
        value = strtok_r(NULL, " ", save);
        return value && parse_value(words[i].bit, value, seg) ? NULL : words[i].name;
    }
    return "an unknown word";
}

const char *script_seg_parse(const char *text, struct script_seg *seg)
{
    char copy[512], *save, *word;

    *seg = (struct script_seg){0};
    snprintf(copy, sizeof copy, "%s", text);
    word = strtok_r(copy, " ", &save);
    if (!word || !parse_flags(word, &seg->flags))
        return "flags";
    word = strtok_r(NULL, " ", &save);
    if (!word || !parse_seq(word, seg))
        return "sequence number";
    while ((word = strtok_r(NULL, " ", &save))) {
        const char *why = parse_word(word, &save, seg);

        if (why)
            return why;
    }
    return NULL;
}
