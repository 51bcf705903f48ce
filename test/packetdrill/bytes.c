/* Reading and writing: bytes of a script into slices and back. */
#include "adapter.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNK_BYTES 32768 /* of one slice */

struct io {
    struct pd_sock *s;
    const struct iovec *iov;
    size_t n;
    int flags;
    size_t done, total;
    int error;
};

/* A script may hand over NULL and mean it. */
static bool is_bad(const struct iovec *iov, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!iov[i].iov_base && iov[i].iov_len)
            return true;
    return false;
}

static struct io io_of(struct pd_sock *s, const struct iovec *iov, size_t n, int flags)
{
    struct io io = {.s = s, .iov = iov, .n = n, .flags = flags};

    for (size_t i = 0; i < n; i++)
        io.total += iov[i].iov_len;
    return io;
}

/* Copies len bytes between `bytes` and what stands behind the first io->done bytes of the vector. */
static void copy(const struct io *io, uint8_t *bytes, size_t len, bool in)
{
    size_t skip = io->done;

    for (size_t i = 0; i < io->n && len; i++) {
        size_t part = skip < io->iov[i].iov_len ? SL_MIN(io->iov[i].iov_len - skip, len) : 0;
        uint8_t *at = (uint8_t *)io->iov[i].iov_base + skip;

        if (part && in)
            memcpy(at, bytes, part);
        else if (part)
            memcpy(bytes, at, part);
        bytes += part;
        len -= part;
        skip = part || skip < io->iov[i].iov_len ? 0 : skip - io->iov[i].iov_len;
    }
}

static ssize_t wait_result(struct pd_world *w, bool (*attempt)(struct pd_world *, void *), struct io *io)
{
    bool blocks = !io->s->nonblock && !(io->flags & MSG_DONTWAIT);

    pd_wait(w, attempt, io, blocks ? SL_NEVER : 0);
    pd_run(w);
    if (io->done)
        return (ssize_t)io->done;
    return io->error;
}

/* ---- reading ---- */
static void take(struct io *io)
{
    struct sl_stream *stream = io->s->stream;
    struct sl_slice slice;

    /* A look at a stream that has nothing would tell it that there is room. */
    while (io->done < io->total && stream->state & SL_STREAM_READABLE &&
           stream->ops->recv(stream, &slice, 1, (uint32_t)(io->total - io->done))) {
        copy(io, (uint8_t *)(uintptr_t)sl_slice_data(&slice), slice.len, true);
        io->done += slice.len;
        sl_slice_free(&slice);
    }
}

static void look(struct io *io)
{
    struct sl_stream *stream = io->s->stream;
    uint8_t *bytes = malloc(io->total + 1);
    uint32_t waiting, n = stream->ops->peek(stream, bytes, (uint32_t)io->total, &waiting);

    copy(io, bytes, n, true);
    io->done = n;
    free(bytes);
}

static bool try_read(struct pd_world *w, void *op)
{
    struct io *io = op;
    struct pd_sock *s = io->s;

    (void)w;
    (io->flags & MSG_PEEK ? look : take)(io);
    io->error = -EAGAIN;
    if (io->done && (!(io->flags & MSG_WAITALL) || io->done == io->total))
        return true;
    if (!s->error && !s->over && !s->shut_rd && !(s->stream->state & SL_STREAM_EOF) && io->total)
        return false;
    io->error = -pd_sock_take_error(s);
    return true;
}

ssize_t pd_readv(struct pd_world *w, int fd, const struct iovec *iov, size_t n, int flags)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    struct io io = io_of(s, iov, n, flags);

    if (!s)
        return -EBADF;
    if (flags & MSG_OOB)
        return -EINVAL;
    if (!s->stream)
        return -ENOTCONN;
    if (is_bad(iov, n))
        return -EFAULT;
    return wait_result(w, try_read, &io);
}

/* ---- writing ---- */
static void put(struct io *io)
{
    struct sl_stream *stream = io->s->stream;
    static uint8_t bytes[CHUNK_BYTES];
    size_t room;

    while (io->done < io->total && (room = stream->ops->credit(stream)) > 0) {
        size_t len = SL_MIN(SL_MIN(io->total - io->done, room), sizeof bytes);
        struct sl_slice slice;

        copy(io, bytes, len, false);
        slice = (struct sl_slice){pd_mbuf(bytes, len), 0, (uint16_t)len};
        if (stream->ops->send(stream, &slice, 1))
            return;
        io->done += len;
    }
}

static bool try_write(struct pd_world *w, void *op)
{
    struct io *io = op;
    struct pd_sock *s = io->s;

    (void)w;
    io->error = -EAGAIN;
    if (s->error) {
        io->error = -pd_sock_take_error(s);
        return true;
    }
    if (s->over || s->shut_wr) {
        io->error = -EPIPE;
        return true;
    }
    if (!s->connecting)
        put(io);
    if (io->done == io->total && !s->connecting)
        io->error = 0;
    return io->done == io->total && !s->connecting;
}

ssize_t pd_writev(struct pd_world *w, int fd, const struct iovec *iov, size_t n, int flags)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    struct io io = io_of(s, iov, n, flags);

    if (!s)
        return -EBADF;
    if (flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (!s->stream)
        return -EPIPE;
    if (is_bad(iov, n))
        return -EFAULT;
    return wait_result(w, try_write, &io);
}
