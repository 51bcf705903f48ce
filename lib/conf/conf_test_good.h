/* Good configurations for tests of conf: the least there is, and how one is read. Needs cmocka before it. */
#ifndef SL_CONF_TEST_GOOD_H
#define SL_CONF_TEST_GOOD_H

#include "conf/conf_test_files.h"

static struct sl_conf_errors errs;

static struct sl_conf *parse(const char *text)
{
    struct sl_conf *conf = sl_conf_parse(text, strlen(text), "/etc/sluice/sluice.yaml", fake_read, NULL, &errs);
    char told[512];

    if (conf == NULL)
        fail_msg("%s", sl_conf_error_format(&errs, 0, told, sizeof told));
    return conf;
}

static const char minimal[] = "workers: { cores: 1 }\n"
                              "interfaces:\n"
                              "  - name: front\n"
                              "    device: \"memif:id=0,socket=/run/a:b\"\n"
                              "    addresses: 198.18.0.10/24\n"
                              "certificates: [{ name: site, chain: site.crt, key: /keys/site.key }]\n"
                              "upstreams: [{ name: other, servers: \"198.18.0.2:80\" },\n"
                              "            { name: app, servers: [\"198.18.0.2:8080\", \"198.18.0.3:8080\"] }]\n"
                              "listeners:\n"
                              "  - { name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app }\n";

#endif
