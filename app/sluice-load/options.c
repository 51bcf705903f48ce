/* The command line: one row an option. A row's text is taken as it comes; what belongs to the flow waits until the mode is known. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "options.h"
#include "options_words.h"

#define SECONDS_MAX (7 * 86400.0)
#define SHARE_USES_MAX 1000000
#define CHECK_MAX 1000000000

enum option_id {
    CONF,
    TO,
    ORIGIN,
    CONNECTIONS,
    RATE,
    REQUESTS,
    GET,
    PUT,
    FLOW,
    KIND,
    SECONDS,
    WARMUP,
    NAME,
    CA,
    CHECK,
    SHARE_USES,
    PLAIN,
    FOREIGN,
    JSON,
    HELP,
    OPTIONS
};

struct reading {
    struct load_plan *plan;
    const char *given[OPTIONS]; /* its text, "" of one that takes none; NULL: not given */
    struct sl_err err;
};

/* How an option is called in messages: "--rate". */
static const char *dashed(enum option_id id);

/* ---- one option each ---- */

static int take_endpoint(struct reading *r, enum option_id id, struct sl_endpoint *list, uint32_t *n, uint32_t max)
{
    if (*n == max)
        return sl_err_set(&r->err, -EINVAL, "%s %s: there are %" PRIu32 " already, and no room for more", dashed(id),
                          r->given[id], *n);
    if (!sl_endpoint_parse(r->given[id], &list[*n]))
        return sl_err_set(&r->err, -EINVAL,
                          "%s %s: it takes an address and a port, 198.18.0.1:443 or [2001:db8::1]:443", dashed(id),
                          r->given[id]);
    ++*n;
    return 0;
}

static int take_to(struct reading *r, enum option_id id)
{
    return take_endpoint(r, id, r->plan->targets, &r->plan->n_targets, LOAD_TARGETS_MAX);
}

static int take_origin(struct reading *r, enum option_id id)
{
    return take_endpoint(r, id, r->plan->origins, &r->plan->n_origins, LOAD_ORIGINS_MAX);
}

static int take_flow(struct reading *r, enum option_id id)
{
    struct load_plan *p = r->plan;

    if (p->n_flows == LOAD_FLOWS_MAX)
        return sl_err_set(&r->err, -EINVAL, "--flow %s: there are %d already, and no room for more", r->given[id],
                          LOAD_FLOWS_MAX);
    return flow_parse(&p->flows[p->n_flows++], r->given[id], &r->err);
}

static int take_kind(struct reading *r, enum option_id id)
{
    r->plan->flood_kind = flood_kind_of(r->given[id]);
    if (r->plan->flood_kind < FLOOD_KINDS)
        return 0;
    return sl_err_set(&r->err, -EINVAL, "--kind %s: it takes syn, ack, icmp or mixed", r->given[id]);
}

static int take_time(struct reading *r, enum option_id id, double min_s, uint64_t *out_ns)
{
    double s = 0;
    int rc = word_real(dashed(id), r->given[id], min_s, SECONDS_MAX, &s, &r->err);

    *out_ns = (uint64_t)(s * (double)SL_NS_PER_S + 0.5);
    return rc;
}

static int take_seconds(struct reading *r, enum option_id id) { return take_time(r, id, 0.001, &r->plan->duration_ns); }

static int take_warmup(struct reading *r, enum option_id id) { return take_time(r, id, 0, &r->plan->warmup_ns); }

static int take_count(struct reading *r, enum option_id id, uint64_t min, uint64_t max, uint32_t *out)
{
    uint64_t n = 0;
    int rc = word_count(dashed(id), r->given[id], min, max, &n, &r->err);

    *out = (uint32_t)n;
    return rc;
}

static int take_check(struct reading *r, enum option_id id) { return take_count(r, id, 0, CHECK_MAX, &r->plan->check); }

static int take_share_uses(struct reading *r, enum option_id id)
{
    return take_count(r, id, 1, SHARE_USES_MAX, &r->plan->share_uses);
}

static int take_name(struct reading *r, enum option_id id)
{
    return word_host(dashed(id), r->given[id], &r->plan->name, &r->err);
}

static const struct row {
    const char *name;
    char letter;
    const char *argument, *help;
    int (*take)(struct reading *r, enum option_id id); /* NULL: read when all are known */
} rows[OPTIONS] = {
    [CONF] = {"config", 'c', "FILE", "the configuration: interfaces, and the addresses that client and origin use"},
    [TO] = {"to", 0, "ADDR:PORT", "the terminator; several are taken in turn", take_to},
    [ORIGIN] = {"origin", 0, "ADDR:PORT", "where our origin listens; several allowed; none: no origin here",
                take_origin},
    [CONNECTIONS] = {"connections", 0, "N", "at once"},
    [RATE] = {"rate", 0, "R", "operations a second, whatever comes back (default: each waits for the one before)"},
    [REQUESTS] = {"requests", 0, "N", "on one connection; 0: no end"},
    [GET] = {"get", 0, "BYTES", "of an answer; K, M, G may stand behind a number"},
    [PUT] = {"put", 0, "BYTES", "of a request; 0: it has no body"},
    [FLOW] = {"flow", 0, "FLOW",
              "one of several in a mixed run: MODE[,connections=N][,rate=R][,requests=N][,get=BYTES]\n"
              "                           [,put=BYTES]",
              take_flow},
    [KIND] = {"kind", 0, "KIND", "of a flood: syn, ack, icmp or mixed (default syn)", take_kind},
    [SECONDS] = {"seconds", 0, "S", "measured (default 10)", take_seconds},
    [WARMUP] = {"warmup", 0, "S", "before that, not counted (default 1)", take_warmup},
    [NAME] = {"name", 0, "HOST", "in SNI and Host (default site.test)", take_name},
    [CA] = {"ca", 0, "FILE", "authorities that certificates are checked against"},
    [CHECK] = {"check", 0, "N", "every Nth handshake checks the certificate; 0: none (default 1 with --ca)",
               take_check},
    [SHARE_USES] = {"share-uses", 0, "N", "handshakes with one key share (default 1)", take_share_uses},
    [PLAIN] = {"plain", 0, NULL, "no TLS"},
    [FOREIGN] = {"foreign", 0, NULL, "the origin is not ours: lengths of answers are checked, not their bytes"},
    [JSON] = {"json", 0, NULL, "the result as one JSON object"},
    [HELP] = {"help", 'h', NULL, "this text"},
};

static const char *dashed(enum option_id id)
{
    static char text[32];

    snprintf(text, sizeof text, "--%s", rows[id].name);
    return text;
}

/* ---- what options mean together ---- */

#define BIT(id) (1u << (id))

static const enum option_id flow_option[FLOW_KEYS] = {[FLOW_CONNECTIONS] = CONNECTIONS,
                                                      [FLOW_RATE] = RATE,
                                                      [FLOW_REQUESTS] = REQUESTS,
                                                      [FLOW_GET] = GET,
                                                      [FLOW_PUT] = PUT};
#define FLOW_OPTIONS (BIT(CONNECTIONS) | BIT(RATE) | BIT(REQUESTS) | BIT(GET) | BIT(PUT))
#define TLS_OPTIONS (BIT(CA) | BIT(CHECK) | BIT(SHARE_USES))

static int refuse(struct reading *r, uint32_t options, const char *why)
{
    for (int i = 0; i < OPTIONS; i++)
        if (options & BIT(i) && r->given[i])
            return sl_err_set(&r->err, -EINVAL, "%s: %s", dashed((enum option_id)i), why);
    return 0;
}

static int origin_alone(struct reading *r)
{
    struct load_plan *p = r->plan;

    if (p->n_targets)
        return sl_err_set(&r->err, -EINVAL, "--to needs a MODE");
    if (!p->n_origins)
        return sl_err_set(&r->err, -EINVAL, "there is nothing to do: neither a MODE nor --origin");
    p->mode = "origin";
    p->warmup_ns = 0;
    if (!r->given[SECONDS])
        p->duration_ns = LOAD_FOREVER_NS;
    return refuse(r, FLOW_OPTIONS | TLS_OPTIONS | BIT(KIND) | BIT(PLAIN) | BIT(FOREIGN), "it needs a MODE");
}

static int flood(struct reading *r)
{
    r->plan->mode = "flood";
    r->plan->flood = true;
    if (r->given[RATE] && word_real("--rate", r->given[RATE], 0, 1e9, &r->plan->flood_rate, &r->err) != 0)
        return -EINVAL;
    return refuse(r, (FLOW_OPTIONS & ~BIT(RATE)) | TLS_OPTIONS | BIT(FLOW) | BIT(PLAIN) | BIT(FOREIGN),
                  "a flood has no connections");
}

static void usual_mixture(struct load_plan *p)
{
    static const char *const words[] = {"handshake,connections=16", "resume,connections=16", "request",
                                        "download,connections=4"};

    for (size_t i = 0; i < SL_ARRAY_LEN(words); i++)
        if (flow_parse(&p->flows[p->n_flows], words[i], NULL) == 0)
            p->n_flows += !(p->plain && load_modes[p->flows[p->n_flows].mode].resumed);
}

static int mixed(struct reading *r)
{
    r->plan->mode = "mixed";
    if (!r->plan->n_flows)
        usual_mixture(r->plan);
    return refuse(r, FLOW_OPTIONS | BIT(KIND), "in a mixed run it stands in --flow");
}

static int one_flow(struct reading *r, const char *mode)
{
    struct load_flow *f = &r->plan->flows[0];
    char modes[128];

    if (!flow_begin(f, mode, strlen(mode)))
        return sl_err_set(&r->err, -EINVAL, "%s: no such mode; there are %s, mixed, flood", mode,
                          flow_modes(modes, sizeof modes));
    if (refuse(r, BIT(FLOW), "only a mixed run has several") != 0)
        return -EINVAL;
    if (refuse(r, BIT(KIND), "only a flood has one") != 0)
        return -EINVAL;
    for (int key = 0; key < FLOW_KEYS; key++) {
        const char *text = r->given[flow_option[key]];

        if (text && flow_set(f, (enum flow_key)key, dashed(flow_option[key]), text, &r->err) != 0)
            return -EINVAL;
    }
    r->plan->mode = load_modes[f->mode].name;
    r->plan->n_flows = 1;
    return 0;
}

static int set_mode(struct reading *r, const char *mode)
{
    struct load_plan *p = r->plan;
    int rc;

    if (!mode && !r->given[FLOW])
        return origin_alone(r);
    if (!mode || strcmp(mode, "mixed") == 0)
        rc = mixed(r);
    else
        rc = strcmp(mode, "flood") == 0 ? flood(r) : one_flow(r, mode);
    if (rc == 0 && !p->n_targets)
        return sl_err_set(&r->err, -EINVAL, "%s needs --to ADDR:PORT", p->mode);
    return rc;
}

static int agree(struct reading *r)
{
    struct load_plan *p = r->plan;

    if (!p->conf_path)
        return sl_err_set(&r->err, -EINVAL, "-c FILE is missing");
    if (p->plain && refuse(r, TLS_OPTIONS, "--plain leaves no TLS for it") != 0)
        return -EINVAL;
    for (uint32_t i = 0; p->plain && i < p->n_flows; i++)
        if (load_modes[p->flows[i].mode].resumed)
            return sl_err_set(&r->err, -EINVAL, "%s: --plain leaves no TLS for it", load_modes[p->flows[i].mode].name);
    if (p->foreign && refuse(r, BIT(ORIGIN), "--foreign says that the origin is not ours") != 0)
        return -EINVAL;
    if (!r->given[CHECK])
        p->check = p->ca_path ? 1 : 0;
    if (p->check && !p->ca_path)
        return sl_err_set(&r->err, -EINVAL, "--check needs --ca FILE");
    return 0;
}

/* ---- texts ---- */

static void print_bytes(uint64_t bytes)
{
    if (bytes && bytes % (1 << 20) == 0)
        printf("%6" PRIu64 "M", bytes >> 20);
    else if (bytes && bytes % (1 << 10) == 0)
        printf("%6" PRIu64 "K", bytes >> 10);
    else
        printf("%7" PRIu64, bytes);
}

static void print_modes(void)
{
    printf("\nmodes%14s%10s%7s%7s\n", "connections", "requests", "get", "put");
    for (int i = 0; i < LOAD_MODES; i++) {
        const struct load_mode_info *m = &load_modes[i];

        printf("  %-9s %7" PRIu32 " %9.0" PRIu32, m->name, m->connections, m->requests);
        print_bytes(m->get_bytes);
        print_bytes(m->put_bytes);
        printf("  %s\n", m->help);
    }
    printf("  %-42s%s\n", "mixed", "several at once: those of --flow, or a usual mixture");
    printf("  %-42s%s\n", "flood", "raw frames instead of connections: --kind and --rate");
    puts("  without a mode there is only the origin; it runs until a signal or for --seconds");
}

static int help(void)
{
    puts("usage: sluice-load -c FILE MODE --to ADDR:PORT [--origin ADDR:PORT] [options]\n"
         "       sluice-load -c FILE --origin ADDR:PORT\n");
    for (int i = 0; i < OPTIONS; i++) {
        char left[32];

        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        printf("  %c%c%c %-21s%s\n", rows[i].letter ? '-' : ' ', rows[i].letter ? rows[i].letter : ' ',
               rows[i].letter ? ',' : ' ', left, rows[i].help);
    }
    print_modes();
    puts("\nexit status: 0 good, 1 operations failed, 2 usage, 3 the machine is not ready or the configuration is "
         "wrong");
    return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_MACHINE;
}

static int usage_error(const char *text)
{
    if (text)
        fprintf(stderr, "sluice-load: %s\n", text);
    fputs("sluice-load --help says what there is\n", stderr);
    return EXIT_USAGE;
}

/* ---- all of it ---- */

static void to_getopt(struct option longs[static OPTIONS + 1], char letters[static 2 * OPTIONS + 1])
{
    for (int i = 0; i < OPTIONS; i++) {
        longs[i] = (struct option){rows[i].name, rows[i].argument ? required_argument : no_argument, NULL, 256 + i};
        if (rows[i].letter)
            *letters++ = rows[i].letter;
        if (rows[i].letter && rows[i].argument)
            *letters++ = ':';
    }
    longs[OPTIONS] = (struct option){0};
    *letters = 0;
}

static enum option_id find(int c)
{
    int i = c - 256;

    for (int k = 0; c < 256 && k < OPTIONS; k++)
        if (rows[k].letter == c)
            return (enum option_id)k;
    return i >= 0 && i < OPTIONS ? (enum option_id)i : OPTIONS;
}

static void settle(struct reading *r)
{
    r->plan->conf_path = r->given[CONF];
    r->plan->ca_path = r->given[CA];
    r->plan->plain = r->given[PLAIN] != NULL;
    r->plan->foreign = r->given[FOREIGN] != NULL;
    r->plan->json = r->given[JSON] != NULL;
}

int options_parse(struct load_plan *plan, int argc, char **argv)
{
    struct reading r = {.plan = plan};
    struct option longs[OPTIONS + 1];
    char letters[2 * OPTIONS + 1];
    int c;

    *plan = (struct load_plan){
        .duration_ns = 10 * SL_NS_PER_S, .warmup_ns = SL_NS_PER_S, .name = "site.test", .share_uses = 1};
    to_getopt(longs, letters);
    optind = 0; /* from the beginning, whatever was read before */
    while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        enum option_id id = find(c);

        if (id == OPTIONS) /* getopt has said what is wrong */
            return usage_error(NULL);
        if (id == HELP)
            return help();
        r.given[id] = optarg ? optarg : "";
        if (rows[id].take && rows[id].take(&r, id) != 0)
            return usage_error(r.err.text);
    }
    settle(&r);
    if (argc - optind > 1)
        sl_err_set(&r.err, -EINVAL, "%s: one MODE is enough, there is %s already", argv[optind + 1], argv[optind]);
    else if (set_mode(&r, optind < argc ? argv[optind] : NULL) == 0 && agree(&r) == 0)
        return -1;
    return usage_error(r.err.text);
}
