/* What a program reads: one object on one line. */
#include <inttypes.h>
#include <math.h>

#include "report.h"

static void string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            fputc('\\', out);
        if ((unsigned char)*s < ' ')
            fprintf(out, "\\u%04x", (unsigned)*s);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

/* JSON has neither infinity nor NaN. */
static double number(double x) { return isfinite(x) ? x : 0; }
static double per_s(uint64_t n, double seconds) { return seconds > 0 ? (double)n / seconds : 0; }

static void member(FILE *out, const char *name, uint64_t n) { fprintf(out, "\"%s\":%" PRIu64 ",", name, n); }

static void times(FILE *out, const char *name, const struct histogram *h)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

    fprintf(out, "\"%s\":{\"min\":%.3f,\"mean\":%.3f,", name, h->n ? (double)h->min_ns / 1e3 : 0,
            (double)histogram_mean(h) / 1e3);
    for (size_t i = 0; i < SL_ARRAY_LEN(quantiles); i++)
        fprintf(out, "\"%s\":%.3f,", quantiles[i].name, (double)histogram_quantile(h, quantiles[i].q) / 1e3);
    fprintf(out, "\"max\":%.3f}", (double)h->max_ns / 1e3);
}

static void failures(FILE *out, const struct tally *t)
{
    member(out, "failed", tally_failed(t));
    fputs("\"failures\":{", out);
    for (size_t i = 0; i < LOAD_FAILURES; i++)
        fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", load_failure_name[i], t->failed[i]);
    fputs("},", out);
}

static void flow(FILE *out, const struct load_flow *f, const struct tally *t, double seconds)
{
    fputs("{\"mode\":", out);
    string(out, load_modes[f->mode].name);
    fprintf(out, ",\"connections\":%" PRIu32 ",\"rate\":%.15g,", f->connections, f->rate);
    member(out, "operations", t->operations);
    fprintf(out, "\"operations_per_s\":%.3f,", per_s(t->operations, seconds));
    failures(out, t);
    member(out, "overdue", t->overdue);
    member(out, "handshakes", t->handshakes);
    member(out, "resumed", t->resumed);
    member(out, "checked", t->checked);
    member(out, "bytes_in", t->bytes_in);
    member(out, "bytes_out", t->bytes_out);
    times(out, "latency_us", &t->latency);
    fputc(',', out);
    times(out, "handshake_us", &t->handshake);
    fputc('}', out);
}

static void flood(FILE *out, const struct report *r)
{
    fputs(",\"flood\":{\"kind\":", out);
    string(out, flood_names[r->plan->flood_kind].name);
    fprintf(out, ",\"rate\":%.15g,\"frames\":%" PRIu64 ",\"frames_per_s\":%.3f}", r->plan->flood_rate, r->frames,
            per_s(r->frames, r->seconds));
}

void report_json(FILE *out, const struct report *r)
{
    fputs("{\"program\":\"sluice-load\",\"mode\":", out);
    string(out, r->plan->mode);
    fprintf(out, ",\"seconds\":%.3f,\"corners\":[", number(r->seconds));
    for (const char *const *corner = r->corners; corner && *corner; corner++) {
        fputs(corner == r->corners ? "" : ",", out);
        string(out, *corner);
    }
    fputs("],\"flows\":[", out);
    for (uint32_t i = 0; i < r->plan->n_flows; i++) {
        fputs(i ? "," : "", out);
        flow(out, &r->plan->flows[i], &r->flows[i], r->seconds);
    }
    fputc(']', out);
    if (r->plan->flood)
        flood(out, r);
    fputs(",\"workers\":[", out);
    for (uint32_t i = 0; i < r->n_workers; i++)
        fprintf(out, "%s{\"busy\":%.4f}", i ? "," : "", number(r->busy[i]));
    fputs("]}\n", out);
}
