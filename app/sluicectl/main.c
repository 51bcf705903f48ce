/* sluicectl: asks a running appliance over its control socket. The appliance knows the commands; this program only carries a line there and the answer back.
 * Exit status: 0 the answer is good, 1 the appliance says no or does not answer, 2 usage. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/sluice/sluice.sock"

static const char usage_text[] =
    "usage: sluicectl [-s SOCKET] COMMAND [--json]\n"
    "\n"
    "  -s, --socket SOCKET   the appliance's control socket (" DEFAULT_SOCKET ")\n"
    "  -j, --json            the answer as JSON, in the shape that lib/ctl/README.md documents\n"
    "  -h, --help            this text\n"
    "\n"
    "commands: stats, workers, conns, neighbours, crypto, tickets, tickets rotate, reload, version, help\n";

struct options {
    const char *socket_path, *command[2]; /* the second word may be "" */
    bool json;
};

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {{"socket", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int c;

    *o = (struct options){.socket_path = DEFAULT_SOCKET};
    while ((c = getopt_long(argc, argv, "s:jh", longs, NULL)) != -1) {
        if (c == 's')
            o->socket_path = optarg;
        else if (c == 'j')
            o->json = true;
        else if (c == 'h')
            return fputs(usage_text, stdout) < 0 ? 1 : 0;
        else
            return fputs(usage_text, stderr) < 0 ? 1 : 2;
    }
    if (optind + 1 != argc && optind + 2 != argc) {
        fputs(usage_text, stderr);
        return 2;
    }
    o->command[0] = argv[optind];
    o->command[1] = optind + 2 == argc ? argv[optind + 1] : "";
    return -1;
}

static int dial(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(sa.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa)) {
        int failed = errno;

        close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

static int ask(FILE *wire, const struct options *o)
{
    char verdict[16], piece[4096];
    FILE *to;
    size_t n;

    if (fprintf(wire, "%s %s %s\n", o->command[0], o->command[1], o->json ? "json" : "text") < 0 || fflush(wire) ||
        !fgets(verdict, sizeof verdict, wire)) {
        fprintf(stderr, "sluicectl: %s: no answer\n", o->socket_path);
        return 1;
    }
    to = strcmp(verdict, "ok\n") == 0 || o->json ? stdout : stderr;
    while ((n = fread(piece, 1, sizeof piece, wire)) > 0)
        if (fwrite(piece, 1, n, to) != n)
            return 1;
    return strcmp(verdict, "ok\n") != 0 || ferror(wire) || fflush(to);
}

int main(int argc, char **argv)
{
    struct options o;
    int status = parse(argc, argv, &o), fd;
    FILE *wire;

    if (status >= 0)
        return status;
    fd = dial(o.socket_path);
    wire = fd >= 0 ? fdopen(fd, "r+") : NULL;
    if (!wire) {
        fprintf(stderr, "sluicectl: %s: %s\n", o.socket_path, strerror(errno));
        return 1;
    }
    status = ask(wire, &o);
    fclose(wire);
    return status;
}
