/* pcap writer: classic format with nanoseconds (magic 0xa1b23c4d), link type 1. */
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"

struct th_pcap {
    FILE *f;
};

struct th_pcap *th_pcap_open(const char *path)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, sigfigs, snaplen, link;
    } head = {0xa1b23c4d, 2, 4, 0, 0, 65535, 1};
    struct th_pcap *pcap = calloc(1, sizeof *pcap);

    if (!pcap)
        return NULL;
    pcap->f = fopen(path, "wb");
    if (!pcap->f) {
        free(pcap);
        return NULL;
    }
    fwrite(&head, sizeof head, 1, pcap->f);
    return pcap;
}

void th_pcap_write(struct th_pcap *pcap, uint64_t now, const void *bytes, size_t len)
{
    const uint32_t head[4] = {(uint32_t)(now / SL_NS_PER_S), (uint32_t)(now % SL_NS_PER_S), (uint32_t)len,
                              (uint32_t)len};

    fwrite(head, sizeof head, 1, pcap->f);
    fwrite(bytes, len, 1, pcap->f);
}

void th_pcap_close(struct th_pcap *pcap)
{
    if (!pcap)
        return;
    fclose(pcap->f);
    free(pcap);
}
