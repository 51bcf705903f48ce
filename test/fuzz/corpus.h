/* The files of a corpus, for the tests that make and read its seeds. */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static inline FILE *corpus_open(const char *dir, const char *name, const char *how)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, how);
    if (!f)
        fprintf(stderr, "%s can't be opened\n", path);
    return f;
}

static inline bool corpus_write(const char *dir, const char *name, const uint8_t *bytes, size_t n)
{
    FILE *f = corpus_open(dir, name, "wb");
    bool good = f && fwrite(bytes, 1, n, f) == n;

    return f && fclose(f) == 0 && good;
}

/* How many of at most `room` bytes there are; 0 when the file can't be read. */
static inline size_t corpus_read(const char *dir, const char *name, uint8_t *bytes, size_t room)
{
    FILE *f = corpus_open(dir, name, "rb");
    size_t n = f ? fread(bytes, 1, room, f) : 0;

    if (f)
        fclose(f);
    return n;
}

#endif
