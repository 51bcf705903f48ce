/* What to say about a word that is not known: the nearest of those that are, or else what is allowed. */
#include "conf/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

const char *conf_word(const char *text, char out[static CONF_WORD_MAX])
{
    if (strlen(text) < CONF_WORD_MAX)
        snprintf(out, CONF_WORD_MAX, "%s", text);
    else
        snprintf(out, CONF_WORD_MAX, "%.*s...", CONF_WORD_MAX - 4, text);
    return out;
}

/* Damerau-Levenshtein in its restricted form: insert, delete, replace, swap neighbours; case does not count. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][CONF_WORD_MAX];
    unsigned *older = rows[0], *old = rows[1], *row = rows[2];
    size_t na = strlen(a), nb = strlen(b);

    for (size_t j = 0; j <= nb; j++)
        old[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned *spare = older;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            unsigned best = old[j - 1] + (ca != cb);

            best = SL_MIN(best, SL_MIN(old[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]))
                best = SL_MIN(best, older[j - 2] + 1);
            row[j] = best;
        }
        older = old;
        old = row;
        row = spare;
    }
    return old[nb];
}

void conf_words_begin(struct conf_words *w, const char *word)
{
    memset(w, 0, sizeof *w);
    conf_word(word, w->word);
    w->distance = UINT32_MAX;
}

void conf_words_add(struct conf_words *w, const char *candidate)
{
    size_t used = strlen(w->list);
    char shown[CONF_WORD_MAX];
    unsigned d;

    conf_word(candidate, shown);
    w->n++;
    if (w->listed + 1 == w->n && used + strlen(shown) + 3 < sizeof w->list) {
        snprintf(w->list + used, sizeof w->list - used, "%s%s", used > 0 ? ", " : "", shown);
        w->listed++;
    }
    d = distance(w->word, shown);
    if (d < w->distance) {
        w->distance = d;
        memcpy(w->nearest, shown, sizeof w->nearest);
    }
}

bool conf_words_near(const struct conf_words *w)
{
    /* Half of a short word's letters may be wrong, a third of a long one's: beyond that it is a guess. */
    size_t len = strlen(w->word);

    return w->n > 0 && w->distance <= (len < 4 ? len / 2 : len / 3);
}

const char *conf_words_hint(const struct conf_words *w, char out[static CONF_HINT_MAX])
{
    if (w->n == 0)
        snprintf(out, CONF_HINT_MAX, "none is defined");
    else if (conf_words_near(w))
        snprintf(out, CONF_HINT_MAX, "did you mean \"%s\"?", w->nearest);
    else if (w->listed == w->n)
        snprintf(out, CONF_HINT_MAX, "allowed: %s", w->list);
    else
        snprintf(out, CONF_HINT_MAX, "allowed: %s and %u more", w->list, w->n - w->listed);
    return out;
}
