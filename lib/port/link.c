/* What the kernel knows of an interface that it shares with Sluice: asked by ioctl, as ethtool does. */
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/internal.h"

static int ethtool(int fd, const char *ifname, void *cmd)
{
    struct ifreq ifr = {.ifr_data = cmd};

    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", ifname);
    return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static void read_rss(int fd, const char *ifname, struct port_link *link)
{
    struct ethtool_rxfh sizes = {.cmd = ETHTOOL_GRSSH}, *all;
    size_t bytes;

    if (ethtool(fd, ifname, &sizes) < 0 || sizes.indir_size == 0 || sizes.indir_size > SL_STEER_RETA_MAX ||
        sizes.key_size < 40 || sizes.key_size > PORT_RSS_KEY_MAX)
        return;
    bytes = sizeof *all + sizes.indir_size * sizeof(uint32_t) + sizes.key_size;
    all = calloc(1, bytes);
    if (!all)
        return;
    all->cmd = ETHTOOL_GRSSH;
    all->indir_size = sizes.indir_size;
    all->key_size = sizes.key_size;
    /* Bit 0 of hfunc is Toeplitz; a driver that does not say uses it. */
    if (ethtool(fd, ifname, all) == 0 && (all->hfunc & ~1u) == 0) {
        link->rss_size = sizes.indir_size;
        link->rss_key_bytes = sizes.key_size;
        memcpy(link->rss_table, all->rss_config, sizes.indir_size * sizeof(uint32_t));
        memcpy(link->rss_key, all->rss_config + sizes.indir_size, sizes.key_size);
    }
    free(all);
}

int port_link_read(const char *ifname, struct port_link *link)
{
    struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    struct ifreq ifr = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    *link = (struct port_link){.rx_queues = 1, .driver = "?"};
    if (fd < 0)
        return -errno;
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", ifname);
    if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0) {
        close(fd);
        return -ENODEV;
    }
    link->up = ifr.ifr_flags & IFF_UP;
    if (ioctl(fd, SIOCGIFMTU, &ifr) == 0)
        link->mtu = (uint32_t)ifr.ifr_mtu;
    if (ethtool(fd, ifname, &driver) == 0)
        snprintf(link->driver, sizeof link->driver, "%.31s", driver.driver);
    if (ethtool(fd, ifname, &channels) == 0) {
        link->combined = channels.max_combined ? channels.combined_count : 0;
        link->rx_queues = SL_MAX(channels.combined_count + channels.rx_count, 1);
    }
    read_rss(fd, ifname, link);
    close(fd);
    return 0;
}

bool port_kernel_has(const struct sl_ip *ip, char ifname[16])
{
    struct ifaddrs *all;
    bool found = false;

    if (getifaddrs(&all) < 0)
        return false;
    for (struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
        struct sl_ip theirs;

        if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET)
            theirs = sl_ip_from4(&((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr);
        else if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET6)
            theirs = sl_ip_from6(&((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr);
        else
            continue;
        found = sl_ip_equal(ip, &theirs);
        if (found)
            snprintf(ifname, 16, "%s", a->ifa_name);
    }
    freeifaddrs(all);
    return found;
}
