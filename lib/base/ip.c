/* Addresses: text forms and prefixes. inet_pton and inet_ntop touch nothing but their arguments. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/base.h"

bool sl_ip_in_prefix(const struct sl_ip *ip, const struct sl_ip *net, unsigned prefix_bits)
{
    bool is4 = sl_ip_is4(net);
    unsigned bits = is4 ? prefix_bits + 96 : prefix_bits;
    unsigned whole = bits / 8, rest = bits % 8;

    if (bits > 128 || is4 != sl_ip_is4(ip) || memcmp(ip->b, net->b, whole) != 0)
        return false;
    return rest == 0 || (ip->b[whole] ^ net->b[whole]) >> (8 - rest) == 0;
}

bool sl_ip_parse(const char *text, struct sl_ip *ip)
{
    uint8_t bytes[16];
    struct sl_ip parsed;

    if (inet_pton(AF_INET, text, bytes) == 1) {
        *ip = sl_ip_from4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return false;
    parsed = sl_ip_from6(bytes);
    if (sl_ip_is4(&parsed)) /* an IPv4 address has one spelling */
        return false;
    *ip = parsed;
    return true;
}

/* 1..65535 in decimal digits alone; 0 when the text is anything else. */
static uint16_t parse_port(const char *text)
{
    uint32_t port = 0;

    if (*text < '1' || *text > '9')
        return 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        port = port * 10 + (uint32_t)(*text - '0');
        if (port > UINT16_MAX)
            return 0;
    }
    return (uint16_t)port;
}

bool sl_endpoint_parse(const char *text, struct sl_endpoint *ep)
{
    bool bracketed = text[0] == '[';
    const char *host = bracketed ? text + 1 : text;
    const char *host_end = strchr(host, bracketed ? ']' : ':');
    const char *colon = host_end && bracketed ? host_end + 1 : host_end;
    char copy[SL_IP_TEXT_MAX];
    struct sl_endpoint parsed;

    if (!colon || *colon != ':' || (size_t)(host_end - host) >= sizeof copy)
        return false;
    memcpy(copy, host, (size_t)(host_end - host));
    copy[host_end - host] = '\0';
    parsed.port = parse_port(colon + 1);
    if (parsed.port == 0 || !sl_ip_parse(copy, &parsed.ip) || sl_ip_is4(&parsed.ip) == bracketed)
        return false;
    *ep = parsed;
    return true;
}

const char *sl_ip_format(const struct sl_ip *ip, char out[static SL_IP_TEXT_MAX])
{
    if (sl_ip_is4(ip))
        inet_ntop(AF_INET, ip->b + 12, out, SL_IP_TEXT_MAX);
    else
        inet_ntop(AF_INET6, ip->b, out, SL_IP_TEXT_MAX);
    return out;
}

const char *sl_endpoint_format(const struct sl_endpoint *ep, char out[static SL_ENDPOINT_TEXT_MAX])
{
    char ip[SL_IP_TEXT_MAX];

    sl_ip_format(&ep->ip, ip);
    snprintf(out, SL_ENDPOINT_TEXT_MAX, sl_ip_is4(&ep->ip) ? "%s:%u" : "[%s]:%u", ip, ep->port);
    return out;
}
