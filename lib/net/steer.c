/* Toeplitz hashing (the receive side scaling of NICs) by tables. The hash is linear over GF(2): each byte of the tuple adds, by xor, a word that depends only on its
 * place and value. So a tuple costs one look-up per byte, and trying local ports one after another costs two each. */
#include <errno.h>
#include <stdlib.h>

#include "net/internal.h"

#define TUPLE4_BYTES 12
#define TUPLE6_BYTES 36
#define RETA_DEFAULT 128

static_assert(TUPLE6_BYTES + 4 <= SL_STEER_KEY_BYTES, "the key reaches 32 bits past the last byte");

/* The 32 bits of the key that stand against bit `bit` of the tuple. */
static uint32_t key_window(const uint8_t *key, unsigned bit)
{
    uint64_t window = 0;

    for (unsigned k = 0; k < 5; k++)
        window = window << 8 | key[bit / 8 + k];
    return (uint32_t)(window >> (8 - bit % 8));
}

static void fill_byte_hash(struct sl_steer *st)
{
    for (unsigned at = 0; at < TUPLE6_BYTES; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint32_t hash = 0;

            for (unsigned bit = 0; bit < 8; bit++)
                if (value & 0x80u >> bit)
                    hash ^= key_window(st->key, at * 8 + bit);
            st->byte_hash[at][value] = hash;
        }
    }
}

int sl_steer_init(struct sl_steer *st, const uint8_t *key, size_t key_bytes, const uint16_t *reta, uint32_t reta_size,
                  uint32_t n_workers)
{
    uint32_t size = reta ? reta_size : RETA_DEFAULT;

    memset(st, 0, sizeof *st);
    if (key_bytes < 40 || key_bytes > SL_STEER_KEY_BYTES || n_workers == 0 || n_workers > UINT16_MAX)
        return -EINVAL;
    if (size == 0 || size > SL_STEER_RETA_MAX || (size & (size - 1)) != 0)
        return -EINVAL;
    for (uint32_t k = 0; k < size; k++) {
        st->reta[k] = reta ? reta[k] : (uint16_t)(k % n_workers);
        if (st->reta[k] >= n_workers)
            return -EINVAL;
    }
    st->byte_hash = calloc(TUPLE6_BYTES, sizeof *st->byte_hash);
    if (!st->byte_hash)
        return -ENOMEM;
    memcpy(st->key, key, key_bytes);
    st->reta_mask = size - 1;
    st->n_workers = n_workers;
    fill_byte_hash(st);
    return 0;
}

void sl_steer_free(struct sl_steer *st)
{
    free(st->byte_hash);
    st->byte_hash = NULL;
}

/* Adds n bytes that stand at `at` of the tuple. */
static uint32_t add(const struct sl_steer *st, uint32_t hash, unsigned at, const uint8_t *bytes, unsigned n)
{
    for (unsigned k = 0; k < n; k++)
        hash ^= st->byte_hash[at + k][bytes[k]];
    return hash;
}

static uint32_t add_port(const struct sl_steer *st, uint32_t hash, unsigned at, uint16_t port)
{
    return hash ^ st->byte_hash[at][port >> 8] ^ st->byte_hash[at + 1][port & 0xff];
}

static unsigned dst_port_at(const struct sl_ip *ip) { return sl_ip_is4(ip) ? TUPLE4_BYTES - 2 : TUPLE6_BYTES - 2; }

/* Of a packet from remote:rport to local, without the destination port. */
static uint32_t hash_but_lport(const struct sl_steer *st, const struct sl_ip *local, const struct sl_ip *remote,
                               uint16_t rport)
{
    unsigned n = sl_ip_is4(remote) ? 4 : 16;
    uint32_t hash = add(st, 0, 0, remote->b + 16 - n, n);

    hash = add(st, hash, n, local->b + 16 - n, n);
    return add_port(st, hash, 2 * n, rport);
}

uint32_t sl_steer_worker(const struct sl_steer *st, const struct sl_ip *local, uint16_t lport,
                         const struct sl_ip *remote, uint16_t rport)
{
    return st->reta[add_port(st, hash_but_lport(st, local, remote, rport), dst_port_at(remote), lport) & st->reta_mask];
}

uint16_t sl_steer_lport(const struct sl_steer *st, uint32_t worker, const struct sl_ip *local,
                        const struct sl_ip *remote, uint16_t rport, uint16_t from, uint16_t max)
{
    uint32_t base = hash_but_lport(st, local, remote, rport);
    unsigned at = dst_port_at(remote);

    for (uint32_t lport = from ? from : 1; lport <= max; lport++)
        if (st->reta[add_port(st, base, at, (uint16_t)lport) & st->reta_mask] == worker)
            return (uint16_t)lport;
    return 0;
}
