/* The XDP program's user: takes an interface, removes what a crashed run of ours left on it, finds the program that the driver attached and
 * fills its maps. Somebody else's program is left alone, with an error. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "port/internal.h"
#include "port/xdp/gate.h"

static void shut_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- one process per interface ---- */

/* An abstract socket is the lock: it lives in the interface's own network namespace and dies with its process. */
static int lock_interface(const char *ifname)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int len = snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "sluice/gate/%s", ifname);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0) {
        int code = -errno;

        close(fd);
        return code;
    }
    return fd;
}

/* ---- programs ---- */

/* Fds of the maps of a program that have our names; -1 where there is none. Closed by the caller. */
struct maps {
    int xsks, addrs, stats;
};

static void close_maps(struct maps *m)
{
    shut_fd(&m->xsks);
    shut_fd(&m->addrs);
    shut_fd(&m->stats);
}

static void sort_map(struct maps *m, uint32_t id)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof info;
    int fd = bpf_map_get_fd_by_id(id);
    int *place = NULL;

    if (fd < 0)
        return;
    if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0) {
        if (strcmp(info.name, SL_GATE_MAP_XSKS) == 0)
            place = &m->xsks;
        else if (strcmp(info.name, SL_GATE_MAP_ADDRS) == 0 && info.key_size == sizeof(struct sl_gate_addr))
            place = &m->addrs;
        else if (strcmp(info.name, SL_GATE_MAP_STATS) == 0)
            place = &m->stats;
    }
    if (place && *place < 0)
        *place = fd;
    else
        close(fd);
}

/* Name and maps of a program; a negative errno when it can't be asked. */
static int look_at(uint32_t prog_id, char name[BPF_OBJ_NAME_LEN], struct maps *maps)
{
    uint32_t ids[16] = {0}, len;
    struct bpf_prog_info info = {.map_ids = (uintptr_t)ids, .nr_map_ids = SL_ARRAY_LEN(ids)};
    int fd = bpf_prog_get_fd_by_id(prog_id);

    *maps = (struct maps){-1, -1, -1};
    if (fd < 0)
        return -errno;
    len = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0) {
        int code = -errno;

        close(fd);
        return code;
    }
    close(fd);
    memcpy(name, info.name, BPF_OBJ_NAME_LEN);
    for (uint32_t i = 0; i < SL_MIN(info.nr_map_ids, SL_ARRAY_LEN(ids)); i++)
        sort_map(maps, ids[i]);
    return 0;
}

/* The tag changes with the program's text, so the name and the maps' names tell, whichever version left it. */
static bool is_ours(const char *name, const struct maps *m)
{
    return strcmp(name, SL_GATE_PROGRAM) == 0 && m->xsks >= 0 && m->addrs >= 0 && m->stats >= 0;
}

static int detach(unsigned ifindex, uint32_t prog_id, uint32_t mode)
{
    int fd = bpf_prog_get_fd_by_id(prog_id), code;
    LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = fd);

    if (fd < 0)
        return -errno;
    code = bpf_xdp_detach((int)ifindex, mode | XDP_FLAGS_REPLACE, &opts);
    close(fd);
    return code;
}

/* Removes our own program from one mode's hook; refuses another's. */
static int clear_hook(const struct port_gate *g, uint32_t prog_id, uint32_t mode, struct sl_err *err)
{
    char name[BPF_OBJ_NAME_LEN] = "?";
    struct maps maps = {-1, -1, -1};
    bool ours;
    int code;

    if (prog_id == 0)
        return 0;
    code = look_at(prog_id, name, &maps);
    ours = code == 0 && is_ours(name, &maps);
    close_maps(&maps);
    if (code < 0)
        return sl_err_set(err, code, "interface %s: XDP program %u can't be asked what it is: %s", g->ifname, prog_id,
                          strerror(-code));
    if (!ours)
        return sl_err_set(err, -EBUSY,
                          "interface %s: somebody else's XDP program is attached (\"%s\", id %u); Sluice leaves it "
                          "alone, detach it first",
                          g->ifname, name, prog_id);
    code = detach(g->ifindex, prog_id, mode);
    if (code < 0)
        return sl_err_set(err, code, "interface %s: the XDP program of an earlier run (id %u) can't be detached: %s",
                          g->ifname, prog_id, strerror(-code));
    return 0;
}

static int clear_program(const struct port_gate *g, struct sl_err *err)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, q);
    struct {
        uint32_t id, mode;
    } hooks[3];
    int code = bpf_xdp_query((int)g->ifindex, 0, &q);

    if (code < 0)
        return sl_err_set(err, code, "interface %s: the kernel does not tell its XDP program: %s", g->ifname,
                          strerror(-code));
    if (q.attach_mode == XDP_ATTACHED_MULTI) {
        hooks[0].id = q.drv_prog_id;
        hooks[1].id = q.skb_prog_id;
        hooks[2].id = q.hw_prog_id;
    } else {
        hooks[0].id = q.attach_mode == XDP_ATTACHED_DRV ? q.prog_id : 0;
        hooks[1].id = q.attach_mode == XDP_ATTACHED_SKB ? q.prog_id : 0;
        hooks[2].id = q.attach_mode == XDP_ATTACHED_HW ? q.prog_id : 0;
    }
    hooks[0].mode = XDP_FLAGS_DRV_MODE;
    hooks[1].mode = XDP_FLAGS_SKB_MODE;
    hooks[2].mode = XDP_FLAGS_HW_MODE;
    for (size_t i = 0; i < SL_ARRAY_LEN(hooks); i++) {
        code = clear_hook(g, hooks[i].id, hooks[i].mode, err);
        if (code < 0)
            return code;
    }
    return 0;
}

/* ---- the room's inner interface ---- */

int port_gate_take(struct port_gate *g, const char *ifname, struct sl_err *err)
{
    int code;

    *g = (struct port_gate){.lock_fd = -1, .group_fd = -1, .addrs_fd = -1, .ifindex = if_nametoindex(ifname)};
    snprintf(g->ifname, sizeof g->ifname, "%s", ifname);
    if (g->ifindex == 0)
        return sl_err_set(err, -ENODEV, "interface %s: there is none of this name in this network namespace", ifname);
    libbpf_set_print(NULL);
    g->lock_fd = lock_interface(ifname);
    if (g->lock_fd == -EADDRINUSE)
        return sl_err_set(err, -EBUSY, "interface %s: another running Sluice serves it", ifname);
    if (g->lock_fd < 0)
        return sl_err_set(err, g->lock_fd, "interface %s: it can't be locked: %s", ifname, strerror(-g->lock_fd));
    code = clear_program(g, err);
    if (code < 0)
        port_gate_give_back(g);
    return code;
}

int port_gate_find(struct port_gate *g, struct sl_err *err)
{
    char name[BPF_OBJ_NAME_LEN] = "?";
    struct maps maps = {-1, -1, -1};
    int code = bpf_xdp_query_id((int)g->ifindex, 0, &g->prog_id);

    if (code == 0 && g->prog_id == 0)
        code = -ENOENT;
    if (code == 0)
        code = look_at(g->prog_id, name, &maps);
    if (code < 0)
        return sl_err_set(err, code, "interface %s: the XDP program that the driver attached is not found: %s",
                          g->ifname, strerror(-code));
    if (!is_ours(name, &maps)) {
        close_maps(&maps);
        return sl_err_set(err, -EBUSY,
                          "interface %s: the XDP program \"%s\" (id %u) is not the one that Sluice installs", g->ifname,
                          name, g->prog_id);
    }
    g->addrs_fd = maps.addrs;
    shut_fd(&maps.stats); /* for a person: bpftool map dump name sluice_stats */
    shut_fd(&maps.xsks);
    return 0;
}

/* Solicitations for our addresses come to multicast groups that the kernel has no reason to join: without this the card filters them. */
static void join_groups(struct port_gate *g, const struct sl_net_iface_conf *iface)
{
    struct packet_mreq mreq = {
        .mr_ifindex = (int)g->ifindex, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6, .mr_address = {0x33, 0x33, 0xff}};

    g->group_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: it receives nothing */
    for (uint32_t i = 0; g->group_fd >= 0 && i < iface->n_addrs; i++) {
        if (sl_ip_is4(&iface->addrs[i].ip))
            continue;
        memcpy(mreq.mr_address + 3, iface->addrs[i].ip.b + 13, 3);
        (void)setsockopt(g->group_fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof mreq);
    }
}

int port_gate_open(struct port_gate *g, const struct sl_net_iface_conf *iface, struct sl_err *err)
{
    struct sl_gate_rule rule = {.vlan = iface->vlan};

    join_groups(g, iface);
    for (uint32_t i = 0; i < iface->n_addrs; i++) {
        struct sl_gate_addr key;
        char text[SL_IP_TEXT_MAX];

        static_assert(sizeof key == sizeof iface->addrs[i].ip, "the map's key is an sl_ip");
        memcpy(&key, &iface->addrs[i].ip, sizeof key);
        if (bpf_map_update_elem(g->addrs_fd, &key, &rule, BPF_ANY) < 0)
            return sl_err_set(err, -errno, "interface %s: %s can't be given to the XDP program: %s", g->ifname,
                              sl_ip_format(&iface->addrs[i].ip, text), strerror(errno));
    }
    return 0;
}

void port_gate_shut(struct port_gate *g)
{
    struct sl_gate_addr key;

    while (g->addrs_fd >= 0 && bpf_map_get_next_key(g->addrs_fd, NULL, &key) == 0)
        if (bpf_map_delete_elem(g->addrs_fd, &key) < 0)
            break;
    shut_fd(&g->addrs_fd);
    shut_fd(&g->group_fd);
}

void port_gate_give_back(struct port_gate *g)
{
    if (g->lock_fd < 0)
        return;
    if (g->prog_id)
        (void)clear_program(g, NULL);
    g->prog_id = 0;
    shut_fd(&g->lock_fd);
}
