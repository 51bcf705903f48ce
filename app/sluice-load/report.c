/* What a person reads. */
#include <inttypes.h>

#include "report.h"

static double per_s(uint64_t n, double seconds) { return seconds > 0 ? (double)n / seconds : 0; }

static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};

/* "1.5 MiB" and the like: four digits at most before the unit. */
static void print_bytes(FILE *out, double bytes, const char *after)
{
    size_t unit = 0;

    for (; bytes >= 10000 && unit < SL_ARRAY_LEN(units) - 1; unit++)
        bytes /= 1024;
    fprintf(out, "%.*f %s%s", unit ? 1 : 0, bytes, units[unit], after);
}

/* Of a size that was asked for: exactly. */
static void print_size(FILE *out, uint64_t bytes, const char *after)
{
    size_t unit = 0;

    for (; bytes && bytes % 1024 == 0 && unit < SL_ARRAY_LEN(units) - 1; unit++)
        bytes /= 1024;
    fprintf(out, "%" PRIu64 " %s%s", bytes, units[unit], after);
}

static void print_title(FILE *out, const struct load_flow *f)
{
    fprintf(out, "%s: %" PRIu32 " connections, ", load_modes[f->mode].name, f->connections);
    if (f->rate > 0)
        fprintf(out, "open loop of %g/s", f->rate);
    else
        fputs("closed loop", out);
    if (f->requests)
        fprintf(out, ", %" PRIu32 " request%s each", f->requests, f->requests > 1 ? "s" : "");
    fputs(", ", out);
    if (f->put_bytes) {
        print_size(out, f->put_bytes, " there, ");
        print_size(out, f->get_bytes, " back\n");
    } else {
        print_size(out, f->get_bytes, " answers\n");
    }
}

static void print_failures(FILE *out, const struct tally *t)
{
    const char *before = ": ";

    fprintf(out, "  failed       %12" PRIu64, tally_failed(t));
    for (size_t i = 0; i < LOAD_FAILURES; i++)
        if (t->failed[i]) {
            fprintf(out, "%s%s %" PRIu64, before, load_failure_name[i], t->failed[i]);
            before = ", ";
        }
    fputc('\n', out);
    if (t->overdue)
        fprintf(out, "  overdue      %12" PRIu64 "  never began: the rate was not reached\n", t->overdue);
}

static void print_counts(FILE *out, const struct tally *t, double seconds)
{
    fprintf(out, "  operations   %12" PRIu64 "  %.1f/s\n", t->operations, per_s(t->operations, seconds));
    print_failures(out, t);
    fprintf(out, "  handshakes   %12" PRIu64 "  %.1f/s, %" PRIu64 " resumed, %" PRIu64 " certificates checked\n",
            t->handshakes, per_s(t->handshakes, seconds), t->resumed, t->checked);
    fputs("  received     ", out);
    print_bytes(out, per_s(t->bytes_in, seconds), "/s, sent ");
    print_bytes(out, per_s(t->bytes_out, seconds), "/s\n");
}

static void print_times(FILE *out, const char *what, const struct histogram *h)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 0.9999};

    if (!h->n)
        return;
    fprintf(out, "  %-10s %9.1f %9.1f", what, (double)h->min_ns / 1e3, (double)histogram_mean(h) / 1e3);
    for (size_t i = 0; i < SL_ARRAY_LEN(quantiles); i++)
        fprintf(out, " %9.1f", (double)histogram_quantile(h, quantiles[i]) / 1e3);
    fprintf(out, " %9.1f\n", (double)h->max_ns / 1e3);
}

static void print_flow(FILE *out, const struct load_flow *f, const struct tally *t, double seconds)
{
    print_title(out, f);
    print_counts(out, t, seconds);
    if (t->latency.n || t->handshake.n)
        fprintf(out, "  %-10s %9s %9s %9s %9s %9s %9s %9s %9s\n", "us", "min", "mean", "p50", "p90", "p99", "p99.9",
                "p99.99", "max");
    print_times(out, "operation", &t->latency);
    print_times(out, "handshake", &t->handshake);
}

void report_text(FILE *out, const struct report *r)
{
    fprintf(out, "%s, %.1f s\n\n", r->plan->mode, r->seconds);
    for (uint32_t i = 0; i < r->plan->n_flows; i++) {
        print_flow(out, &r->plan->flows[i], &r->flows[i], r->seconds);
        fputc('\n', out);
    }
    if (r->plan->flood)
        fprintf(out, "flood of %s: %" PRIu64 " frames, %.1f/s\n\n", flood_names[r->plan->flood_kind].name, r->frames,
                per_s(r->frames, r->seconds));
    fputs("workers busy ", out);
    for (uint32_t i = 0; i < r->n_workers; i++)
        fprintf(out, " %.0f %%", r->busy[i] * 100);
    fputc('\n', out);
    for (const char *const *corner = r->corners; corner && *corner; corner++)
        fprintf(out, "%s%s", corner == r->corners ? "corners cut   " : ", ", *corner);
    if (r->corners && *r->corners)
        fputc('\n', out);
}

static uint64_t since(uint64_t now, uint64_t before) { return now > before ? now - before : 0; }

void report_progress(FILE *out, bool terminal, double at_s, const struct load_plan *plan, const struct tally *now,
                     const struct tally *before, double seconds)
{
    fprintf(out, "%s%7.1f s", terminal ? "\r" : "", at_s);
    for (uint32_t i = 0; i < plan->n_flows; i++)
        fprintf(out, "%s%s %.1f/s, %" PRIu64 " failed, %" PRIu64 " open", i ? " | " : "  ",
                load_modes[plan->flows[i].mode].name, per_s(since(now[i].operations, before[i].operations), seconds),
                since(tally_failed(&now[i]), tally_failed(&before[i])), now[i].open);
    fputs(terminal ? "\033[K" : "\n", out); /* what the line before had more goes */
    fflush(out);
}
