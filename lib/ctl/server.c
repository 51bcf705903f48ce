/* The control socket: a request is one line, `COMMAND [json|text]`, where a command may be of two words; the answer is a line `ok` or `error`, then the command's text up to the end of the stream.
 * Long answers are made a piece at a time, as the client reads them. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/internal.h"

#define CLIENT_NS (30 * SL_NS_PER_S)

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    return sa;
}

static bool somebody_answers(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;

    if (fd >= 0)
        close(fd);
    return answers;
}

static void make_folders(const char *path)
{
    char part[108];

    for (size_t i = 1; path[i] && i < sizeof part; i++)
        if (path[i] == '/') {
            memcpy(part, path, i);
            part[i] = 0;
            (void)mkdir(part, 0755); /* what can't be made shows when the socket is bound */
        }
}

int ctl_server_open(struct sl_ctl *ctl, const char *path, struct sl_err *err)
{
    struct sockaddr_un sa = address_of(path);
    mode_t mask;
    int failed;

    for (uint32_t i = 0; i < CLIENTS_MAX; i++)
        ctl->clients[i].fd = -1;
    if (strlen(path) >= sizeof sa.sun_path)
        return sl_err_set(err, -ENAMETOOLONG, "control socket %s: the path is longer than %zu bytes", path,
                          sizeof sa.sun_path - 1);
    make_folders(path);
    if (somebody_answers(&sa))
        return sl_err_set(err, -EADDRINUSE, "control socket %s: another sluice answers there", path);
    (void)unlink(path);
    ctl->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ctl->listen_fd < 0)
        return sl_err_set(err, -errno, "control socket: %s", strerror(errno));
    mask = umask(0177);
    failed = bind(ctl->listen_fd, (struct sockaddr *)&sa, sizeof sa) ? errno : 0;
    (void)umask(mask);
    if (failed || listen(ctl->listen_fd, CLIENTS_MAX)) {
        failed = failed ? failed : errno;
        close(ctl->listen_fd);
        ctl->listen_fd = -1;
        return sl_err_set(err, -failed, "control socket %s: %s", path, strerror(failed));
    }
    (void)snprintf(ctl->socket_path, sizeof ctl->socket_path, "%s", path);
    return 0;
}

static void drop_client(struct client *c)
{
    close(c->fd);
    out_free(&c->out);
    *c = (struct client){.fd = -1};
}

static void accept_clients(struct sl_ctl *ctl)
{
    for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &ctl->clients[i];

        if (c->fd >= 0)
            continue;
        c->fd = accept4(ctl->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (c->fd < 0)
            return;
        c->deadline_ns = sl_port_now() + CLIENT_NS;
    }
}

/* Makes the next piece of the answer. What it begins with is known once the first piece is made: a command that fails says so at once. */
static void make_piece(struct sl_ctl *ctl, struct client *c, bool first)
{
    struct out piece = {0};
    int status = 0;

    c->more = c->command->run(ctl, &c->progress, c->format, &piece, &status);
    if (first)
        out_put(&c->out, status ? "error\n" : "ok\n");
    if (piece.len)
        out_put(&c->out, "%.*s", (int)piece.len, piece.bytes);
    if (piece.cut || c->out.cut)
        c->more = false;
    out_free(&piece);
}

static void refuse(struct client *c, const char *word)
{
    char text[80] = "no such command: ";
    size_t n = strlen(text);

    for (size_t i = 0; word[i] && i < 40; i++)
        text[n++] = word[i] >= 0x20 && word[i] < 0x7f ? word[i] : '?';
    (void)snprintf(text + n, sizeof text - n, "; help lists them");
    out_put(&c->out, "error\n");
    if (c->format == FORMAT_JSON) {
        out_put(&c->out, "{\"error\":");
        out_json(&c->out, text);
        out_put(&c->out, "}\n");
    } else {
        out_put(&c->out, "%s\n", text);
    }
}

/* The words of a request but its format, which comes last, with one space between. */
static void split(struct client *c, char command[static REQUEST_MAX])
{
    char *save = NULL;
    size_t at = 0;

    command[0] = 0;
    for (char *word = strtok_r(c->request, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save)) {
        if (at > 0 && (strcmp(word, "json") == 0 || strcmp(word, "text") == 0)) {
            c->format = strcmp(word, "json") == 0 ? FORMAT_JSON : FORMAT_TEXT;
            return;
        }
        at += (size_t)snprintf(command + at, REQUEST_MAX - at, "%s%s", at > 0 ? " " : "", word);
    }
}

static void start_command(struct sl_ctl *ctl, struct client *c)
{
    char command[REQUEST_MAX];

    split(c, command);
    for (uint32_t i = 0; i < ctl_n_commands; i++)
        if (strcmp(command, ctl_commands[i].name) == 0)
            c->command = &ctl_commands[i];
    if (c->command)
        make_piece(ctl, c, true);
    else
        refuse(c, command);
}

/* Takes what has come of the request. False when the client is gone or talks nonsense. */
static bool read_request(struct sl_ctl *ctl, struct client *c)
{
    ssize_t n = recv(c->fd, c->request + c->request_len, sizeof c->request - 1 - c->request_len, 0);
    char *end;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    c->request_len += (size_t)n;
    c->request[c->request_len] = 0;
    end = strchr(c->request, '\n');
    if (!end)
        return c->request_len < sizeof c->request - 1;
    *end = 0;
    start_command(ctl, c);
    return true;
}

/* Sends what is made, and makes more once it is gone. False when the answer is complete or the client is gone. */
static bool write_answer(struct sl_ctl *ctl, struct client *c)
{
    ssize_t n;

    if (c->out.sent == c->out.len && c->more) {
        c->out.sent = c->out.len = 0;
        make_piece(ctl, c, false);
    }
    n = send(c->fd, c->out.bytes + c->out.sent, c->out.len - c->out.sent, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    c->out.sent += (size_t)n;
    if (n > 0)
        c->deadline_ns = sl_port_now() + CLIENT_NS;
    return c->out.sent < c->out.len || c->more;
}

static bool answering(const struct client *c) { return c->out.len > 0 || c->more; }

static void serve(struct sl_ctl *ctl, struct client *c, short events)
{
    bool alive = sl_port_now() < c->deadline_ns;

    if (alive && events)
        alive = answering(c) || read_request(ctl, c);
    if (alive && answering(c))
        alive = write_answer(ctl, c);
    if (!alive)
        drop_client(c);
}

void ctl_server_poll(struct sl_ctl *ctl, int timeout_ms)
{
    struct pollfd fds[CLIENTS_MAX + 1] = {{.fd = ctl->listen_fd, .events = POLLIN}};

    for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *c = &ctl->clients[i];

        fds[i + 1] = (struct pollfd){.fd = c->fd, .events = answering(c) ? POLLOUT : POLLIN};
    }
    if (poll(fds, SL_ARRAY_LEN(fds), timeout_ms) < 0)
        return;
    for (uint32_t i = 0; i < CLIENTS_MAX; i++)
        if (fds[i + 1].fd >= 0)
            serve(ctl, &ctl->clients[i], fds[i + 1].revents);
    if (fds[0].revents)
        accept_clients(ctl);
}

void ctl_server_close(struct sl_ctl *ctl)
{
    for (uint32_t i = 0; i < CLIENTS_MAX; i++)
        if (ctl->clients[i].fd >= 0)
            drop_client(&ctl->clients[i]);
    if (ctl->listen_fd >= 0) {
        close(ctl->listen_fd);
        (void)unlink(ctl->socket_path);
    }
    ctl->listen_fd = -1;
}
