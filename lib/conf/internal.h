/* What the files of conf share. The table in keys.c says what a configuration may hold; everything else walks it:
 * fill.c stores values, check.c compares them with each other, reload.c with an older configuration, reference.c
 * writes them down. A new key is a row in keys.c and a field in conf.h. */
#ifndef SL_CONF_INTERNAL_H
#define SL_CONF_INTERNAL_H

#include "conf/conf.h"

#define CONF_FILE_MAX_BYTES (1u << 20)
#define CONF_DEPTH_MAX 16
#define CONF_KEYS_MAX 32   /* of one section */
#define CONF_WORD_MAX 72   /* an offending word as errors show it, with the final zero */
#define CONF_HINT_MAX 200  /* "did you mean ..." or "allowed: ..." */
#define CONF_PATH_MAX 96   /* "listeners.addresses" */
#define CONF_NUMBER_MAX 32 /* a number with its unit as text */

/* ---- arena.c: memory that is freed all at once, and zeroed then, because keys lie in it ---- */
struct conf_arena;

struct conf_arena *conf_arena_create(void);
void *conf_arena_alloc(struct conf_arena *a, size_t size_bytes); /* zeroed, aligned for anything; never NULL */
char *conf_arena_copy(struct conf_arena *a, const void *bytes, size_t len_bytes); /* with a final zero more */
void conf_arena_free(struct conf_arena *a);

/* ---- tree.c: YAML text as nodes ---- */
enum conf_kind {
    CONF_SCALAR,
    CONF_LIST,
    CONF_MAP,   /* children: key, value, key, value, ... */
    CONF_BROKEN /* an error was told already: pass over it in silence */
};

struct conf_node {
    enum conf_kind kind;
    struct sl_mark mark;
    const char *text; /* a scalar's, free of control characters; "" otherwise */
    bool empty;       /* a scalar for which nothing was written, or null */
    uint32_t n;       /* children */
    struct conf_node *first, *last, *next;
};

/* The nodes of text, in arena. NULL when nothing can be said about its contents. *partial: the text ends in an error,
 * so what is missing may only be unread. */
struct conf_node *conf_tree_read(const char *text, size_t len_bytes, struct conf_arena *arena,
                                 struct sl_conf_errors *errs, bool *partial);

/* ---- words.c: what to say about a word that is not known ---- */
struct conf_words {
    char word[CONF_WORD_MAX], nearest[CONF_WORD_MAX];
    unsigned distance;
    uint32_t n, listed;
    char list[CONF_HINT_MAX - 40];
};

void conf_words_begin(struct conf_words *w, const char *word);
void conf_words_add(struct conf_words *w, const char *candidate);
/* `did you mean "x"?`, else `allowed: a, b, c`, else `none is defined`. */
const char *conf_words_hint(const struct conf_words *w, char out[static CONF_HINT_MAX]);
/* Whether a nearest match was worth naming. */
bool conf_words_near(const struct conf_words *w);
/* text cut to what an error can show. */
const char *conf_word(const char *text, char out[static CONF_WORD_MAX]);

/* ---- the table ---- */
struct conf_reader; /* one run of sl_conf_parse */
struct conf_key;
struct conf_section;

struct conf_unit {
    const char *name;
    uint64_t factor;
};

/* How one kind of value is read, compared and described. */
struct conf_type {
    const char *form; /* "a size such as 512M", as errors and the reference say it */
    size_t size_bytes;
    size_t mark_offset;            /* of its struct sl_mark; SIZE_MAX: it has none */
    const struct conf_unit *units; /* numbers with a unit; the last has no name */
    bool takes_list;               /* parse wants the whole node, be it a list or not */
    bool ranged;                   /* keys give its least and greatest number as min and max */
    bool (*parse)(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out);
    bool (*equal)(const void *a, const void *b);
};

enum conf_flags {
    CONF_REQUIRED = 1 << 0,
    CONF_RESTART = 1 << 1,   /* a reload can't apply it */
    CONF_UNIQUE = 1 << 2,    /* a list without repetitions */
    CONF_TLS = 1 << 3,       /* of a listener: only with protocol: tls */
    CONF_SOME = 1 << 4,      /* a list that is not empty where it is given */
    CONF_ASIDE = 1 << 5,     /* the reference shows it as a comment: it has no use as it stands there */
    CONF_INHERITED = 1 << 6, /* where it isn't given, the value is that of the section of this name at the top */
    CONF_SERVICE = 1 << 7,   /* what is served: needed only by who serves */
};

/* Facts that checks across sections rest on. When reading one failed, those checks keep silent. */
enum conf_facts {
    CONF_FACT_CERTIFICATES = 1 << 0, /* their names */
    CONF_FACT_UPSTREAMS = 1 << 1,    /* their names */
    CONF_FACT_ADDRESSES = 1 << 2,    /* of interfaces */
    CONF_FACT_GATEWAYS = 1 << 3,
    CONF_FACT_LISTENER = 1 << 4, /* protocol and certificates of the listener that is being read */
    CONF_FACT_TLS = 1 << 5,      /* names of TLS settings */
    CONF_FACT_TLS_ENTRY = 1 << 6 /* values of the TLS settings that are being read */
};

struct conf_key {
    const char *name;
    const struct conf_type *type;       /* NULL: a section */
    const struct conf_section *section; /* of its own kind of value, or the one that a reference points into */
    size_t offset;
    uint32_t items_max;  /* not 0: a list (or one value alone, unless of sections); its pointer stands at offset, */
    size_t count_offset; /* and its uint32_t count here */
    unsigned flags, facts;
    const char *def;          /* as it would be written, of a list its one item; NULL: none */
    const char *example;      /* for the reference where there is no default, in YAML */
    const char *const *words; /* of an enum: word i has the value i; ends with NULL */
    uint64_t min, max;        /* of numbers in base units, of text in bytes; max 0: no bound */
    const char *help;
};

/* Which keys were written, and where: index by the key's place in the section's table. */
struct conf_given {
    struct sl_mark mark[CONF_KEYS_MAX]; /* line 0: not written */
};

struct conf_section {
    const struct conf_key *keys; /* ends with a NULL name */
    size_t size_bytes, mark_offset;
    size_t list_offset, count_offset; /* in struct sl_conf, of those that are lists */
    const char *what;                 /* "an upstream": for errors about names; the struct begins with its name */
    void (*check)(struct conf_reader *r, const struct conf_section *s, const struct conf_given *given, void *obj);
};

extern const struct conf_section conf_root, conf_tls_section, conf_tcp_listener_section, conf_tcp_upstream_section;

/* A reference that waits until all names are known. */
struct conf_pending {
    struct conf_pending *next;
    struct sl_conf_ref *ref;
    const struct conf_section *target;
    const char *name, *path;
};

struct conf_reader {
    struct sl_conf *conf;
    struct sl_conf_errors *errs;
    struct conf_arena *arena, *scratch; /* of the configuration; of this run */
    const char *folder;                 /* "" or with a final '/' */
    sl_conf_read_file read_file;
    void *read_ctx;
    struct conf_pending *pending, **pending_end;
    unsigned lost_facts;
    bool partial;
    bool machine;             /* only what says how the machine is used is needed */
    char path[CONF_PATH_MAX]; /* of the section that is being read */
};

/* ---- fill.c ---- */
void conf_fill(struct conf_reader *r, const struct conf_node *root);
/* The defaults of a section's keys into obj. */
void conf_fill_defaults(struct conf_reader *r, const struct conf_section *s, void *obj);
/* `path: "word" why`, at node. False, so that a parse can return it. */
bool conf_refuse(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- types.c, numbers.c, addresses.c: the types ---- */
extern const struct conf_type conf_type_text, conf_type_name, conf_type_path, conf_type_enum, conf_type_device,
    conf_type_ref, conf_type_count, conf_type_size, conf_type_duration, conf_type_ports, conf_type_address,
    conf_type_prefix, conf_type_gateway, conf_type_endpoint;

/* A number as a person would write it: "512M", "10min", "65536". */
const char *conf_number_format(const struct conf_type *type, uint64_t v, char out[static CONF_NUMBER_MAX]);

/* ---- check.c: sections against each other ---- */
void conf_check(struct conf_reader *r);
/* Checks within one entry, which keys.c names. */
void conf_check_interface(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj);
void conf_check_upstream(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj);
void conf_check_listener(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj);

/* ---- file.c ---- */
uint8_t *conf_file_read(void *ctx, const char *path, size_t *len_bytes, struct sl_err *err);
void conf_certificate_read(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj);
/* The contents of the file that `path.key` names, for which errors say that `wanted` is wanted. */
struct sl_conf_file conf_file_of(struct conf_reader *r, const char *key, const struct sl_conf_text *path,
                                 const char *wanted);

/* ---- tcp.c ---- */
/* Notes which keys of the section were written. */
void conf_check_tcp(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj);
/* Fills in what listeners and upstreams don't give. */
void conf_tcp_inherit(struct sl_conf *conf);

/* ---- tls.c ---- */
extern const char *const conf_policy_words[];
void conf_check_tls(struct conf_reader *r, const struct conf_section *s, const struct conf_given *g, void *obj);
/* Adds the settings that are named after the policies. */
void conf_tls_built_in(struct conf_reader *r, const struct conf_section *s);

#endif
