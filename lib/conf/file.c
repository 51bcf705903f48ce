/* Files and the run as a whole: text in, configuration or errors out. */
#define _GNU_SOURCE /* strerrordesc_np, which threads may call at once */
#include "conf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of fd, at most CONF_FILE_MAX_BYTES, and a final zero that *len_bytes counts. */
static uint8_t *read_all(int fd, size_t size_bytes, size_t *len_bytes, struct sl_err *err)
{
    uint8_t *bytes = calloc(1, size_bytes + 1);
    size_t got = 0;
    ssize_t n = 1;

    if (bytes == NULL) {
        sl_err_set(err, -ENOMEM, "%s", strerrordesc_np(ENOMEM));
        return NULL;
    }
    while (got < size_bytes && n > 0) {
        n = read(fd, bytes + got, size_bytes - got);
        if (n > 0)
            got += (size_t)n;
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    if (n < 0) {
        sl_err_set(err, -errno, "%s", strerrordesc_np(errno));
        explicit_bzero(bytes, size_bytes);
        free(bytes);
        return NULL;
    }
    *len_bytes = got + 1;
    return bytes;
}

uint8_t *conf_file_read(void *ctx, const char *path, size_t *len_bytes, struct sl_err *err)
{
    uint8_t *bytes = NULL;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* never waits for a FIFO's writer */

    (void)ctx;
    if (fd < 0 || fstat(fd, &st) != 0)
        sl_err_set(err, -errno, "%s", strerrordesc_np(errno));
    else if (!S_ISREG(st.st_mode))
        sl_err_set(err, -EINVAL, "not a regular file");
    else if (st.st_size > (off_t)CONF_FILE_MAX_BYTES)
        sl_err_set(err, -EFBIG, "larger than %u bytes", CONF_FILE_MAX_BYTES);
    else
        bytes = read_all(fd, (size_t)st.st_size, len_bytes, err);
    if (fd >= 0)
        close(fd);
    return bytes;
}

struct sl_conf_file conf_file_of(struct conf_reader *r, const char *key, const struct sl_conf_text *path,
                                 const char *wanted)
{
    struct sl_err err = {.text = "no reason given"};
    struct sl_conf_file file = {0};
    char word[CONF_WORD_MAX];
    uint8_t *bytes;

    if (path->s == NULL || *path->s == '\0')
        return file;
    bytes = r->read_file(r->read_ctx, path->s, &file.len_bytes, &err);
    if (bytes == NULL) {
        sl_conf_error(r->errs, path->mark, "%s.%s: \"%s\" can't be read: %.120s", r->path, key,
                      conf_word(path->s, word), err.text);
        return (struct sl_conf_file){0};
    }
    if (file.len_bytes <= 1) {
        sl_conf_error(r->errs, path->mark, "%s.%s: \"%s\" is an empty file, %s wanted", r->path, key,
                      conf_word(path->s, word), wanted);
        free(bytes);
        return (struct sl_conf_file){0}; /* it is told; nobody else need look into it */
    }
    file.bytes = (uint8_t *)conf_arena_copy(r->arena, bytes, file.len_bytes);
    explicit_bzero(bytes, file.len_bytes);
    free(bytes);
    return file;
}

void conf_certificate_read(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj)
{
    struct sl_conf_certificate *c = obj;
    struct sl_conf_file chain = conf_file_of(r, "chain", &c->chain, "PEM is"),
                        key = conf_file_of(r, "key", &c->key, "PEM is");

    (void)s;
    (void)g;
    c->chain_pem = chain.bytes;
    c->chain_len = chain.len_bytes;
    c->key_pem = key.bytes;
    c->key_len = key.len_bytes;
}

static void errors_begin(struct sl_conf_errors *errs, const char *file)
{
    errs->n = errs->lost = 0;
    snprintf(errs->file, sizeof errs->file, "%s", file);
}

/* folder: what relative paths begin with, "" or with a final '/'. */
static struct sl_conf *parse(const char *text, size_t len_bytes, const char *file, const char *folder,
                             sl_conf_read_file read_file, void *ctx, sl_conf_check check, bool machine,
                             struct sl_conf_errors *errs)
{
    struct conf_reader r = {.errs = errs, .folder = folder, .read_ctx = ctx, .machine = machine};
    const struct conf_node *root;

    r.read_file = read_file != NULL ? read_file : conf_file_read;
    r.pending_end = &r.pending;
    r.arena = conf_arena_create();
    r.scratch = conf_arena_create();
    r.conf = conf_arena_alloc(r.arena, sizeof *r.conf);
    r.conf->arena = r.arena;
    r.conf->file.s = conf_arena_copy(r.arena, file, strlen(file));
    r.conf->folder = conf_arena_copy(r.arena, folder, strlen(folder));
    r.conf->source.s = conf_arena_copy(r.arena, text, len_bytes);
    r.conf->source_bytes = len_bytes;
    root = conf_tree_read(text, len_bytes, r.scratch, errs, &r.partial);
    if (root != NULL) {
        conf_fill(&r, root);
        conf_tls_built_in(&r, &conf_tls_section);
        conf_tcp_inherit(r.conf);
        conf_check(&r);
        if (check != NULL)
            check(r.conf, errs);
    }
    conf_arena_free(r.scratch);
    if (errs->n == 0)
        return r.conf;
    conf_arena_free(r.arena);
    return NULL;
}

static struct sl_conf *parse_text(const char *text, size_t len_bytes, const char *file, sl_conf_read_file read_file,
                                  void *ctx, bool machine, struct sl_conf_errors *errs)
{
    const char *slash = strrchr(file, '/');
    char *folder = strndup(file, slash != NULL ? (size_t)(slash - file) + 1 : 0);
    struct sl_conf *conf;

    if (folder == NULL)
        abort(); /* as the arena does */
    errors_begin(errs, file);
    conf = parse(text, len_bytes, file, folder, read_file, ctx, NULL, machine, errs);
    free(folder);
    return conf;
}

struct sl_conf *sl_conf_parse(const char *text, size_t len_bytes, const char *file, sl_conf_read_file read_file,
                              void *ctx, struct sl_conf_errors *errs)
{
    return parse_text(text, len_bytes, file, read_file, ctx, false, errs);
}

struct sl_conf *sl_conf_parse_machine(const char *text, size_t len_bytes, const char *file, struct sl_conf_errors *errs)
{
    return parse_text(text, len_bytes, file, NULL, NULL, true, errs);
}

/* The folder of file, absolute, with a final '/'. False when the working folder can't be told. */
static bool folder_of(const char *file, char out[static PATH_MAX * 2])
{
    const char *slash = strrchr(file, '/');
    size_t used = 0;

    if (*file != '/') {
        if (getcwd(out, PATH_MAX) == NULL)
            return false;
        used = strlen(out);
        out[used++] = '/';
    }
    snprintf(out + used, PATH_MAX, "%.*s", slash != NULL ? (int)(slash - file) + 1 : 0, file);
    return true;
}

struct sl_conf *sl_conf_load(const char *file, struct sl_conf_errors *errs)
{
    return sl_conf_load_checked(file, NULL, errs);
}

static struct sl_conf *load(const char *file, sl_conf_check check, bool machine, struct sl_conf_errors *errs)
{
    char folder[PATH_MAX * 2];
    struct sl_conf *conf = NULL;
    struct sl_err err;
    uint8_t *text;
    size_t len_bytes;

    errors_begin(errs, file);
    text = conf_file_read(NULL, file, &len_bytes, &err);
    if (text == NULL)
        sl_conf_error(errs, (struct sl_mark){0}, "can't be read: %s", err.text);
    else if (!folder_of(file, folder))
        sl_conf_error(errs, (struct sl_mark){0}, "its folder can't be told: %s", strerrordesc_np(errno));
    else
        conf = parse((const char *)text, len_bytes - 1, file, folder, NULL, NULL, check, machine, errs);
    free(text);
    return conf;
}

struct sl_conf *sl_conf_load_checked(const char *file, sl_conf_check check, struct sl_conf_errors *errs)
{
    return load(file, check, false, errs);
}

struct sl_conf *sl_conf_load_machine(const char *file, sl_conf_check check, struct sl_conf_errors *errs)
{
    return load(file, check, true, errs);
}

struct sl_conf *sl_conf_again(const struct sl_conf *conf, sl_conf_check check, struct sl_conf_errors *errs)
{
    errors_begin(errs, conf->file.s);
    return parse(conf->source.s, conf->source_bytes, conf->file.s, conf->folder, NULL, NULL, check, false, errs);
}

const char *sl_conf_file_at(const struct sl_conf *conf, uint32_t i, struct sl_conf_file *contents)
{
    struct sl_conf_file spare;
    const struct sl_conf_tls *t;
    uint32_t k;

    contents = contents != NULL ? contents : &spare;
    if (i / 2 < conf->n_certificates) {
        const struct sl_conf_certificate *c = &conf->certificates[i / 2];

        *contents = i % 2 == 0 ? (struct sl_conf_file){c->chain_pem, c->chain_len}
                               : (struct sl_conf_file){c->key_pem, c->key_len};
        return i % 2 == 0 ? c->chain.s : c->key.s;
    }
    k = i - 2 * conf->n_certificates;
    if (k / 3 >= conf->n_tls)
        return NULL;
    t = &conf->tls[k / 3];
    *contents = k % 3 == 0 ? t->client_ca_pem : k % 3 == 1 ? t->client_crl_pem : t->ticket_keys_text;
    return k % 3 == 0 ? t->client_ca.s : k % 3 == 1 ? t->client_crl.s : t->ticket_keys.s;
}

bool sl_conf_file_differs(const struct sl_conf *conf, uint32_t i)
{
    struct sl_conf_file held;
    const char *path = sl_conf_file_at(conf, i, &held);
    struct sl_err err;
    size_t len_bytes;
    uint8_t *bytes;
    bool differs;

    if (path == NULL || *path == '\0')
        return false;
    bytes = conf_file_read(NULL, path, &len_bytes, &err);
    if (bytes == NULL)
        return true;
    differs = len_bytes != held.len_bytes || memcmp(bytes, held.bytes, len_bytes) != 0;
    explicit_bzero(bytes, len_bytes);
    free(bytes);
    return differs;
}

void sl_conf_free(struct sl_conf *conf)
{
    if (conf != NULL)
        conf_arena_free(conf->arena);
}
