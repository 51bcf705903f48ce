/* Bad configurations and what is said about them, word for word. A row replaces a line of a good configuration, or all
 * of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "conf/conf_test_files.h"

struct row {
    const char *title;
    /* lines 1 to 7; NULL: the good one */
    const char *dpdk, *workers, *interfaces, *certificates, *upstreams, *listeners, *extra;
    const char *whole;  /* instead of all lines */
    size_t whole_bytes; /* 0: up to its final zero */
    const char *errors;
};

static const struct row good = {
    .dpdk = "dpdk: { memory: 512M }",
    .workers = "workers: { cores: [1, 2] }",
    .interfaces = "interfaces: [{ name: front, device: \"af_xdp:veth-front\", addresses: [198.18.0.10/24, "
                  "\"2001:db8:1::10/64\"], gateway: 198.18.0.1 }]",
    .certificates = "certificates: [{ name: site, chain: site.crt, key: site.key }]",
    .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\" }]",
    .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app }]",
    .extra = "",
};

static const struct row rows[] = {
    /* ---- YAML, keys and values ---- */
    {"unknown key with a near match", .dpdk = "dpdk: { memroy: 512M }",
     .errors = "t:1:9: unknown key \"memroy\" in dpdk, did you mean \"memory\"?"},
    {"unknown key without one", .dpdk = "dpdk: { colour: blue }",
     .errors = "t:1:9: unknown key \"colour\" in dpdk, allowed: hugepages, memory, eal"},
    {"unknown section", .extra = "listner: []",
     .errors = "t:7:1: unknown key \"listner\", did you mean \"listeners\"?"},
    {"the misspelt key is not also missing",
     .listeners = "listeners: [{ name: https, adress: \"198.18.0.10:443\", certificates: site, upstream: app }]",
     .errors = "t:6:28: unknown key \"adress\" in listeners, did you mean \"address\"?"},
    {"duplicate key", .dpdk = "dpdk: { memory: 512M, hugepages: off, memory: 1G }",
     .errors = "t:1:39: duplicate key \"dpdk.memory\": line 1 has it already"},
    {"duplicate section", .extra = "dpdk: { hugepages: off }",
     .errors = "t:7:1: duplicate key \"dpdk\": line 1 has it already"},
    {"missing keys of an absent section", .workers = "# none",
     .errors = "t:1:1: missing key \"workers.cores\": a whole number is needed"},
    {"missing key of an entry", .certificates = "certificates: [{ name: site, chain: site.crt }]",
     .errors = "t:4:16: missing key \"certificates.key\": a path is needed"},
    {"missing list", .listeners = "# none", .errors = "t:1:1: missing key \"listeners\": at least one entry is needed"},
    {"a list where one value is wanted", .dpdk = "dpdk: { memory: [512M] }",
     .errors = "t:1:17: dpdk.memory: a list stands where a size such as 512M is wanted"},
    {"a mapping where one value is wanted", .dpdk = "dpdk: { memory: { size: 512M } }",
     .errors = "t:1:17: dpdk.memory: a mapping stands where a size such as 512M is wanted"},
    {"nothing where a value is wanted", .dpdk = "dpdk: { memory: }",
     .errors = "t:1:9: dpdk.memory: nothing stands where a size such as 512M is wanted"},
    {"null where a value is wanted", .dpdk = "dpdk: { memory: ~ }",
     .errors = "t:1:17: dpdk.memory: nothing stands where a size such as 512M is wanted"},
    {"a value where a section is wanted", .dpdk = "dpdk: 512M",
     .errors = "t:1:7: dpdk: \"512M\" stands where keys with values are wanted"},
    {"a value where a list of entries is wanted", .listeners = "listeners: https",
     .errors = "t:6:12: listeners: \"https\" stands where a list is wanted: begin each entry with \"- \""},
    {"a mapping where a list of entries is wanted", .listeners = "listeners: { name: https }",
     .errors = "t:6:12: listeners: a mapping stands where a list is wanted: begin each entry with \"- \""},
    {"a value where an entry is wanted", .listeners = "listeners: [https]",
     .errors = "t:6:13: listeners: \"https\" stands where keys with values are wanted"},
    {"an empty list where an entry is needed", .listeners = "listeners: []",
     .errors = "t:6:12: listeners: a list without an entry: at least one is needed"},
    {"nothing where a list is needed", .listeners = "listeners:",
     .errors = "t:6:1: listeners: nothing stands where a list is wanted: begin each entry with \"- \""},
    {"an empty list where a value is needed", .workers = "workers: { cores: [] }",
     .errors = "t:2:19: workers.cores: a list without an entry: at least one is needed"},
    {"too many items",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app, alpn: "
                  "[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] }]",
     .errors = "t:6:97: listeners.alpn: a list with 17 entries: at most 16 are taken"},
    {"an empty text",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app, alpn: "
                  "\"\" }]",
     .errors = "t:6:97: listeners.alpn: \"\" is empty where text is wanted"},
    {"a key that is a list", .dpdk = "dpdk: { ? [memory] : 512M }",
     .errors = "t:1:11: a list stands where a key is wanted"},
    {"size without unit", .dpdk = "dpdk: { memory: 512 }",
     .errors = "t:1:17: dpdk.memory: \"512\" has no unit, allowed: B, K, M, G, KiB, MiB, GiB"},
    {"size with an unknown unit", .dpdk = "dpdk: { memory: 512MB }",
     .errors = "t:1:17: dpdk.memory: \"512MB\" has the unknown unit \"MB\", allowed: B, K, M, G, KiB, MiB, GiB"},
    {"size with a fraction", .dpdk = "dpdk: { memory: 0.5G }",
     .errors = "t:1:17: dpdk.memory: \"0.5G\" is not a size such as 512M"},
    {"size out of range", .dpdk = "dpdk: { memory: 1M }",
     .errors = "t:1:17: dpdk.memory: \"1M\" is out of range, allowed: 64M to 1024G"},
    {"size too large to hold", .dpdk = "dpdk: { memory: 99999999999999999999999999G }",
     .errors = "t:1:17: dpdk.memory: \"99999999999999999999999999G\" is out of range, allowed: 64M to 1024G"},
    {"size that is a word", .dpdk = "dpdk: { memory: lots }",
     .errors = "t:1:17: dpdk.memory: \"lots\" is not a size such as 512M"},
    {"duration without unit",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", connect_timeout: 3 }]",
     .errors = "t:5:71: upstreams.connect_timeout: \"3\" has no unit, allowed: us, ms, s, min, h, d"},
    {"duration with an unknown unit",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", connect_timeout: 3m }]",
     .errors = "t:5:71: upstreams.connect_timeout: \"3m\" has the unknown unit \"m\", allowed: us, ms, s, min, h, d"},
    {"duration out of range",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", connect_timeout: 0 }]",
     .errors = "t:5:71: upstreams.connect_timeout: \"0\" is out of range, allowed: 1ms to 1d"},
    {"negative number", .workers = "workers: { cores: [-1] }",
     .errors = "t:2:20: workers.cores: \"-1\" is not a whole number"},
    {"number with a tail", .workers = "workers: { cores: [1k] }",
     .errors = "t:2:20: workers.cores: \"1k\" is not a whole number"},
    {"number out of range", .workers = "workers: { cores: [1024] }",
     .errors = "t:2:20: workers.cores: \"1024\" is out of range, allowed: 0 to 1023"},
    {"core twice", .workers = "workers: { cores: [1, 2, 1] }",
     .errors = "t:2:26: workers.cores: \"1\" stands twice in the list"},
    {"unknown choice with a near match", .workers = "workers: { cores: 1, idle: slep }",
     .errors = "t:2:28: workers.idle: \"slep\" is not a choice, did you mean \"sleep\"?"},
    {"unknown choice without one", .dpdk = "dpdk: { hugepages: yes }",
     .errors = "t:1:20: dpdk.hugepages: \"yes\" is not a choice, allowed: auto, off"},
    {"device without driver",
     .interfaces = "interfaces: [{ name: front, device: veth-front, addresses: 198.18.0.10/24, gateway: 198.18.0.1 }]",
     .errors = "t:3:37: interfaces.device: \"veth-front\" has no colon: a device is driver:rest, allowed: af_xdp, "
               "pci, memif, vdev"},
    {"device of an unknown driver",
     .interfaces = "interfaces: [{ name: front, device: \"afxdp:veth-front\", addresses: 198.18.0.10/24, gateway: "
                   "198.18.0.1 }]",
     .errors = "t:3:37: interfaces.device: \"afxdp:veth-front\" begins with no known driver, did you mean \"af_xdp\"?"},
    {"device without device",
     .interfaces = "interfaces: [{ name: front, device: \"pci:\", addresses: 198.18.0.10/24, gateway: 198.18.0.1 }]",
     .errors = "t:3:37: interfaces.device: \"pci:\" names no device after \"pci:\""},
    {"address without prefix",
     .interfaces = "interfaces: [{ name: front, device: \"pci:0000:03:00.0\", addresses: 198.18.0.10, gateway: "
                   "198.18.0.1 }]",
     .errors = "t:3:68: interfaces.addresses: \"198.18.0.10\" has no prefix: write how many bits are the network's, "
               "such as 198.18.0.10/24"},
    {"address with a wrong prefix",
     .interfaces = "interfaces: [{ name: front, device: \"pci:0000:03:00.0\", addresses: 198.18.0.10/33, gateway: "
                   "198.18.0.1 }]",
     .errors = "t:3:68: interfaces.addresses: \"198.18.0.10/33\" has no valid prefix, allowed: 1 to 32"},
    {"address that is none",
     .interfaces = "interfaces: [{ name: front, device: \"pci:0000:03:00.0\", addresses: 198.18.0.256/24, gateway: "
                   "198.18.0.1 }]",
     .errors = "t:3:68: interfaces.addresses: \"198.18.0.256/24\" is not an address with its prefix such as "
               "198.18.0.10/24"},
    {"address of a network, of its broadcast",
     .interfaces = "interfaces: [{ name: front, device: \"pci:0000:03:00.0\", addresses: [198.18.0.0/24, "
                   "198.18.0.255/24], gateway: 198.18.0.1 }]",
     .errors = "t:3:69: interfaces.addresses: \"198.18.0.0/24\" is the network itself, not an address in it\n"
               "t:3:84: interfaces.addresses: \"198.18.0.255/24\" is the network's broadcast address"},
    {"addresses that nobody has",
     .interfaces = "interfaces: [{ name: front, device: \"pci:0000:03:00.0\", addresses: [127.0.0.1/8, 224.0.0.1/24, "
                   "255.255.255.255/32, \"::/64\", \"::1/128\", \"ff02::1/64\", 0.1.2.3/8], gateway: 198.18.0.1 }]",
     .errors = "t:3:69: interfaces.addresses: \"127.0.0.1/8\" is a loopback address\n"
               "t:3:82: interfaces.addresses: \"224.0.0.1/24\" is a multicast address\n"
               "t:3:96: interfaces.addresses: \"255.255.255.255/32\" is reserved or broadcast (RFC 1112 4)\n"
               "t:3:116: interfaces.addresses: \"::/64\" is the unspecified address: each address is written out\n"
               "t:3:125: interfaces.addresses: \"::1/128\" is the loopback address\n"
               "t:3:136: interfaces.addresses: \"ff02::1/64\" is a multicast address\n"
               "t:3:150: interfaces.addresses: \"0.1.2.3/8\" is of network 0, which nobody has (RFC 1122 3.2.1.3)"},
    {"endpoint without port",
     .listeners = "listeners: [{ name: https, address: [198.18.0.10, \"2001:db8:1::10\"], certificates: site, "
                  "upstream: app }]",
     .errors = "t:6:38: listeners.address: \"198.18.0.10\" has no port: write address:port\n"
               "t:6:51: listeners.address: \"2001:db8:1::10\" has no port: write [address]:port"},
    {"endpoint with a wrong port",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:65536\", certificates: site, upstream: app }]",
     .errors = "t:6:37: listeners.address: \"198.18.0.10:65536\" is not an address with its port such as "
               "198.18.0.10:443 or [2001:db8::10]:443"},
    {"endpoint of everybody",
     .listeners = "listeners: [{ name: https, address: \"0.0.0.0:443\", certificates: site, upstream: app }]",
     .errors = "t:6:37: listeners.address: \"0.0.0.0:443\" is the unspecified address: each address is written out"},
    {"ports that are none", .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", ports: 1024..2048 }]",
     .errors = "t:5:61: upstreams.ports: \"1024..2048\" is not a port or a range such as 32768-60999"},
    {"ports in the wrong order",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", ports: 2048-1024 }]",
     .errors = "t:5:61: upstreams.ports: \"2048-1024\" ends before it begins: the lower port comes first"},
    {"ports out of range", .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", ports: 0-65536 }]",
     .errors = "t:5:61: upstreams.ports: \"0-65536\" is out of range, allowed: 1 to 65535"},
    {"a name with a blank", .upstreams = "upstreams: [{ name: my app, servers: \"198.18.1.2:8080\" }]",
     .errors = "t:5:21: upstreams.name: \"my app\" is not a name of letters, digits, \".\", \"_\" and \"-\""},
    {"a name that is too long",
     .upstreams = "upstreams: [{ name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, servers: "
                  "\"198.18.1.2:8080\" }]",
     .errors = "t:5:21: upstreams.name: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is 64 "
               "bytes long: at most 63 are taken"},
    {"a socket path too long",
     .extra = "control: { socket: "
              "/sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"
              "ssss }",
     .errors = "t:7:20: control.socket: \"/sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss...\" "
               "is 108 bytes long: at most 107 are taken"},
    {"an anchor and its alias", .workers = "workers: { cores: &c [1] }", .extra = "limits: { connections: *c }",
     .errors = "t:2:19: anchor \"&c\": anchors and aliases are not taken, write the value out\n"
               "t:7:24: alias \"*c\": anchors and aliases are not taken, write the value out"},
    {"a merge key", .dpdk = "dpdk: { <<: *base, memory: 512M }",
     .errors = "t:1:9: unknown key \"<<\" in dpdk, allowed: hugepages, memory, eal\n"
               "t:1:13: alias \"*base\": anchors and aliases are not taken, write the value out"},
    {"a tag", .dpdk = "dpdk: { memory: !!str 512M }",
     .errors = "t:1:17: tag \"tag:yaml.org,2002:str\": tags are not taken, each key has its type"},
    {"a control character", .dpdk = "dpdk: { memory: \"512\\u001bM\" }",
     .errors = "t:1:17: a value with the control character 0x1b: none has a use for it"},
    {"bytes that no terminal should see", .dpdk = "dpdk: { \"m\xc3\xa9mory\": 512M }",
     .errors = "t:1:9: unknown key \"m??mory\" in dpdk, did you mean \"memory\"?"},
    {"a second document", .extra = "---\na: b", .errors = "t:7:1: a second document begins: a configuration is one"},
    {"errors of all sections in one run, sorted", .dpdk = "dpdk: { memory: 512 }",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2\" }]",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: sito, upstream: app, "
                  "bcklog: 3 }]",
     .errors = "t:1:17: dpdk.memory: \"512\" has no unit, allowed: B, K, M, G, KiB, MiB, GiB\n"
               "t:5:35: upstreams.servers: \"198.18.1.2\" has no port: write address:port\n"
               "t:6:70: unknown certificate \"sito\" in listeners, did you mean \"site\"?\n"
               "t:6:91: unknown key \"bcklog\" in listeners, did you mean \"backlog\"?"},
    {"an error of YAML and those before it", .dpdk = "dpdk: { memory: 512 }", .extra = "control: { socket: [ }",
     .errors = "t:1:17: dpdk.memory: \"512\" has no unit, allowed: B, K, M, G, KiB, MiB, GiB\n"
               "t:7:20: control.socket: a list stands where a path is wanted\n"
               "t:7:22: not YAML: did not find expected node content, while parsing a flow node that begins at line 7"},
    {"a word too long to show",
     .dpdk = "dpdk: { "
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: 1 }",
     .errors = "t:1:9: unknown key \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" in "
               "dpdk, allowed: hugepages, memory, eal"},
    {"an empty file", .whole = "", .errors = "t:1:1: the file is empty: conf/minimal.yaml is a start"},
    {"only comments", .whole = "# nothing\n", .errors = "t:1:1: the file is empty: conf/minimal.yaml is a start"},
    {"a file that is a list", .whole = "- dpdk\n",
     .errors = "t:1:1: keys with values are wanted here, such as \"listeners:\""},
    {"a file that is a word", .whole = "dpdk\n",
     .errors = "t:1:1: keys with values are wanted here, such as \"listeners:\""},
    {"a tab as indentation", .whole = "dpdk:\n\tmemory: 512M\n",
     .errors = "t:2:1: not YAML: found character that cannot start any token, while scanning for the next token that "
               "begins at line 2"},
    {"a NUL", .whole = "dpdk: {}\nworkers: \x00\n", .whole_bytes = 20,
     .errors = "t:2:10: not YAML: control characters are not allowed (byte 0x00)"},
    {"not UTF-8", .whole = "dpdk: { m\xc3\xa9: 1,\n  \xff\xfe: 2 }\n",
     .errors = "t:2:3: not YAML: invalid leading UTF-8 octet (byte 0xff)"},
    {"UTF-16",
     .whole = "\xff\xfe"
              "d\x00p\x00",
     .whole_bytes = 6, .errors = "t:1:1: not YAML: invalid leading UTF-8 octet (byte 0xff)"},
    {"too deep", .whole = "a: [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]\n",
     .errors = "t:1:1: unknown key \"a\", allowed: dpdk, workers, limits, control, tcp, interfaces, certificates, tls, "
               "upstreams, listeners\n"
               "t:1:19: more than 16 levels deep: a configuration needs no more"},
    /* ---- sections against each other ---- */
    {"unknown upstream with a near match",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: apq }]",
     .errors = "t:6:86: unknown upstream \"apq\" in listeners, did you mean \"app\"?"},
    {"unknown certificate without one",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: [site, wildcard], "
                  "upstream: app }]",
     .errors = "t:6:77: unknown certificate \"wildcard\" in listeners, allowed: site"},
    {"unknown certificate where there is none",
     .certificates = "certificates:", .errors = "t:6:70: unknown certificate \"site\" in listeners, none is defined"},
    {"certificate twice in a listener",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: [site, site], upstream: "
                  "app }]",
     .errors = "t:6:77: listeners.certificates: \"site\" stands twice in the list"},
    {"tls without certificate",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", upstream: app }]",
     .errors = "t:6:13: missing key \"listeners.certificates\": protocol tls needs at least one"},
    {"tcp with what is for tls",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", protocol: tcp, certificates: site, alpn: "
                  "h2, upstream: app }]",
     .errors = "t:6:71: key \"listeners.certificates\" has no use: it is for protocol tls, and this listener's is "
               "tcp\n"
               "t:6:91: key \"listeners.alpn\" has no use: it is for protocol tls, and this listener's is tcp"},
    {"names twice",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\" }, { name: app, servers: "
                  "\"198.18.1.3:8080\" }]",
     .errors = "t:5:64: upstreams.name: \"app\" is taken: line 5 has it already"},
    {"device and address twice",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: 198.18.0.10/24, gateway: 198.18.0.1 "
                   "}, { name: back, device: \"af_xdp:a\", addresses: 198.18.0.10/16 }]",
     .errors = "t:3:121: interfaces.device: \"af_xdp:a\" is taken: line 3 has it already\n"
               "t:3:144: interfaces.addresses: \"198.18.0.10\" is taken: line 3 has it already"},
    {"two listeners on one address",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app }, { "
                  "name: more, address: [\"[2001:db8:1::10]:443\", \"198.18.0.10:443\"], certificates: site, "
                  "upstream: app }]",
     .errors = "t:6:141: listeners.address: \"198.18.0.10:443\" is taken: line 6 listens there already"},
    {"listener on no interface with a near match",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.11:443\", certificates: site, upstream: app }]",
     .errors = "t:6:37: listeners.address: \"198.18.0.11\" is on no interface, did you mean \"198.18.0.10\"?"},
    {"listener on no interface without one",
     .listeners = "listeners: [{ name: https, address: \"[2001:db8:ffff:eeee::4242]:443\", certificates: site, "
                  "upstream: app }]",
     .errors = "t:6:37: listeners.address: \"2001:db8:ffff:eeee::4242\" is on no interface, allowed: 198.18.0.10, "
               "2001:db8:1::10"},
    {"source on no interface",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", sources: 198.18.0.1 }]",
     .errors = "t:5:63: upstreams.sources: \"198.18.0.1\" is on no interface, did you mean \"198.18.0.10\"?"},
    {"server of a family that sources lack",
     .upstreams = "upstreams: [{ name: app, servers: [\"198.18.1.2:8080\", \"[2001:db8:1::2]:8080\"], sources: "
                  "198.18.0.10 }]",
     .errors = "t:5:55: upstreams.servers: \"[2001:db8:1::2]:8080\" can't be reached: no IPv6 address in sources"},
    {"server of a family that no interface has",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: \"2001:db8:1::10/64\" }]",
     .listeners = "listeners: [{ name: https, address: \"[2001:db8:1::10]:443\", certificates: site, upstream: app }]",
     .errors = "t:5:35: upstreams.servers: \"198.18.1.2:8080\" can't be reached: no interface has an IPv4 address"},
    {"server behind no gateway",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: 198.18.0.10/24 }]",
     .errors = "t:5:35: upstreams.servers: \"198.18.1.2:8080\" can't be reached: on no interface's network, and no "
               "IPv4 gateway is given"},
    {"server that is ourselves", .upstreams = "upstreams: [{ name: app, servers: \"198.18.0.10:443\" }]",
     .errors = "t:5:35: upstreams.servers: \"198.18.0.10:443\" is Sluice's own address, not a server's"},
    {"gateway outside the network",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: 198.18.0.10/24, gateway: 198.18.7.1 "
                   "}]",
     .errors = "t:3:85: interfaces.gateway: \"198.18.7.1\" is in none of the networks of the interface's addresses"},
    {"gateway that is ourselves",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: 198.18.0.10/24, gateway: "
                   "198.18.0.10 }]",
     .errors = "t:3:85: interfaces.gateway: \"198.18.0.10\" is the interface's own address"},
    {"gateway of a family without address",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: 198.18.0.10/24, gateway: "
                   "[198.18.0.1, \"fe80::1\"] }]",
     .errors = "t:3:98: interfaces.gateway: \"fe80::1\" has no use: the interface has no IPv6 address"},
    {"two gateways of one family",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: 198.18.0.10/24, gateway: "
                   "[198.18.0.1, 198.18.0.2] }]",
     .errors = "t:3:98: interfaces.gateway: \"198.18.0.2\" is a second gateway of its family: one is used"},
    {"gateway that is a mapping",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: 198.18.0.10/24, gateway: { ip4: "
                   "198.18.0.1 } }]",
     .errors = "t:3:85: interfaces.gateway: a mapping stands where an address such as 198.18.0.1 or 2001:db8::1 is "
               "wanted, or one of each family"},
    {"MTU too small for IPv6",
     .interfaces = "interfaces: [{ name: front, device: \"af_xdp:a\", addresses: [198.18.0.10/24, "
                   "\"2001:db8:1::10/64\"], gateway: 198.18.0.1, mtu: 1000 }]",
     .errors = "t:3:125: interfaces.mtu: \"1000\" is too small: IPv6 needs 1280 (RFC 8200 5)"},
    {"a file that is not there", .certificates = "certificates: [{ name: site, chain: missing.crt, key: site.key }]",
     .errors = "t:4:37: certificates.chain: \"missing.crt\" can't be read: No such file or directory"},
    {"a file with nothing in it",
     .certificates = "certificates: [{ name: site, chain: /etc/empty.crt, key: site.key }]",
     .errors = "t:4:37: certificates.chain: \"/etc/empty.crt\" is an empty file, PEM is wanted"},
    /* ---- tls ---- */
    {"TLS settings that are not there",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app, tls: "
                  "modren }]",
     .errors = "t:6:96: unknown TLS settings \"modren\" in listeners, did you mean \"modern\"?"},
    {"TLS settings of a listener without TLS",
     .listeners = "listeners: [{ name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app, tls: modern }]",
     .errors = "t:6:84: key \"listeners.tls\" has no use: it is for protocol tls, and this listener's is tcp"},
    {"a name that is built in", .extra = "tls: [{ name: modern }]",
     .errors = "t:7:15: tls.name: \"modern\" is taken: it is built in"},
    {"TLS settings of one name", .extra = "tls: [{ name: a }, { name: a }]",
     .errors = "t:7:28: tls.name: \"a\" is taken: line 7 has it already"},
    {"an unknown policy", .extra = "tls: [{ name: a, policy: old, client_ca: ca.pem }]",
     .errors = "t:7:26: tls.policy: \"old\" is not a choice, allowed: modern, intermediate"},
    {"a version too old", .extra = "tls: [{ name: a, versions: [1.1, 1.2] }]",
     .errors = "t:7:29: tls.versions: \"1.1\" is not a choice, did you mean \"1.2\"?"},
    {"a version that the policy has not", .extra = "tls: [{ name: a, policy: modern, versions: [1.2, 1.3] }]",
     .errors = "t:7:34: tls.versions: \"1.2\" is not for policy modern, which is TLS 1.3 alone: take intermediate"},
    {"no version at all", .extra = "tls: [{ name: a, versions: [] }]",
     .errors = "t:7:28: tls.versions: a list without an entry: at least one is needed"},
    {"a suite twice", .extra = "tls: [{ name: a, suites: [aes128-gcm, aes128-gcm] }]",
     .errors = "t:7:39: tls.suites: \"aes128-gcm\" stands twice in the list"},
    {"an unknown suite", .extra = "tls: [{ name: a, suites: rc4 }]",
     .errors = "t:7:26: tls.suites: \"rc4\" is not a choice, allowed: aes128-gcm, aes256-gcm, chacha20-poly1305"},
    {"an unknown group", .extra = "tls: [{ name: a, groups: [x25519, p521] }]",
     .errors = "t:7:35: tls.groups: \"p521\" is not a choice, allowed: x25519, p256, p384"},
    {"client certificates that lead nowhere", .extra = "tls: [{ name: a, client_certificates: required }]",
     .errors = "t:7:18: tls.client_certificates: needs \"client_ca\", the authorities that clients' certificates lead "
               "to"},
    {"authorities of clients that are not asked", .extra = "tls: [{ name: a, client_ca: ca.pem, client_crl: crl.pem }]",
     .errors = "t:7:18: key \"tls.client_ca\" has no use: client_certificates is off\n"
               "t:7:37: key \"tls.client_crl\" has no use: client_certificates is off"},
    {"authorities that can't be read",
     .extra = "tls: [{ name: a, client_certificates: optional, client_ca: missing.pem, client_crl: empty.pem }]",
     .errors = "t:7:60: tls.client_ca: \"missing.pem\" can't be read: No such file or directory\n"
               "t:7:85: tls.client_crl: \"empty.pem\" is an empty file, PEM is wanted"},
    {"ticket keys that can't be read", .extra = "tls: [{ name: a, ticket_keys: missing.keys }]",
     .errors = "t:7:31: tls.ticket_keys: \"missing.keys\" can't be read: No such file or directory"},
    {"ticket keys without a key", .extra = "tls: [{ name: a, ticket_keys: empty.keys }]",
     .errors = "t:7:31: tls.ticket_keys: \"empty.keys\" is an empty file, keys are wanted"},
    {"keys of tickets that nobody gets",
     .extra = "tls: [{ name: a, tickets: off, ticket_keys: t.keys, ticket_lifetime: 1h }]",
     .errors = "t:7:32: key \"tls.ticket_keys\" has no use: tickets is off\n"
               "t:7:53: key \"tls.ticket_lifetime\" has no use: tickets is off"},
    {"tickets that live too long", .extra = "tls: [{ name: a, ticket_lifetime: 8d }]",
     .errors = "t:7:35: tls.ticket_lifetime: \"8d\" is out of range, allowed: 1min to 7d"},
    {"a congestion control that there is not", .extra = "tcp: { congestion_control: cubik }",
     .errors = "t:7:28: tcp.congestion_control: \"cubik\" is not a choice, did you mean \"cubic\"?"},
    {"ECN that is a switch", .extra = "tcp: { ecn: on }",
     .errors = "t:7:13: tcp.ecn: \"on\" is not a choice, allowed: off, accept, ask"},
    {"a receive buffer too small for a TLS record's pieces", .extra = "tcp: { receive_buffer: 1K }",
     .errors = "t:7:24: tcp.receive_buffer: \"1K\" is out of range, allowed: 4K to 1G"},
    {"a send buffer that holds no TLS record", .extra = "tcp: { send_buffer: 4K }",
     .errors = "t:7:21: tcp.send_buffer: \"4K\" is out of range, allowed: 32K to 1G"},
    {"a retransmission that waits for nothing", .extra = "tcp: { min_rto: 1ms }",
     .errors = "t:7:17: tcp.min_rto: \"1ms\" is out of range, allowed: 10ms to 3s"},
    {"a peer that may be silent for ever", .extra = "tcp: { user_timeout: 0 }",
     .errors = "t:7:22: tcp.user_timeout: \"0\" is out of range, allowed: 1s to 7d"},
    {"a listener's TCP with a word wrong",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app, tcp: { "
                  "nagel: on, pacing: yes } }]",
     .errors = "t:6:98: unknown key \"nagel\" in listeners.tcp, did you mean \"nagle\"?\n"
               "t:6:117: listeners.tcp.pacing: \"yes\" is not a choice, allowed: off, on"},
    {"TIME-WAIT of one listener",
     .listeners = "listeners: [{ name: https, address: \"198.18.0.10:443\", certificates: site, upstream: app, tcp: { "
                  "time_wait: 1s } }]",
     .errors =
         "t:6:98: unknown key \"time_wait\" in listeners.tcp, allowed: congestion_control, ecn, pacing, nagle, "
         "receive_buffer, send_buffer, keepalive, keepalive_interval, keepalive_probes, user_timeout, syn_cookies"},
    {"SYN cookies of an upstream",
     .upstreams = "upstreams: [{ name: app, servers: \"198.18.1.2:8080\", tcp: { syn_cookies: off } }]",
     .errors = "t:5:61: unknown key \"syn_cookies\" in upstreams.tcp, allowed: congestion_control, ecn, pacing, nagle, "
               "receive_buffer, send_buffer, keepalive, keepalive_interval, keepalive_probes, user_timeout"},
    {"TCP that is a word", .extra = "tcp: fast",
     .errors = "t:7:6: tcp: \"fast\" stands where keys with values are wanted"},
    {"a switch that is a truth", .extra = "control: { watch: true }",
     .errors = "t:7:19: control.watch: \"true\" is not a choice, allowed: off, on"},
};

#define LINE(field) r->field != NULL ? r->field : good.field

static void tells(void **state)
{
    const struct row *r = *state;
    static struct sl_conf_errors errs;
    char text[4096], told[8192] = "";
    size_t len = r->whole_bytes;

    if (r->whole == NULL)
        len = (size_t)snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n", LINE(dpdk), LINE(workers),
                               LINE(interfaces), LINE(certificates), LINE(upstreams), LINE(listeners), LINE(extra));
    else if (len == 0)
        len = strlen(r->whole);
    assert_null(sl_conf_parse(r->whole != NULL ? r->whole : text, len, "t", fake_read, NULL, &errs));
    for (uint32_t i = 0; i < errs.n; i++) {
        size_t used = strlen(told);

        if (i > 0)
            told[used++] = '\n';
        sl_conf_error_format(&errs, i, told + used, sizeof told - used);
    }
    assert_string_equal(told, r->errors);
}

static void accepts_the_lines_that_rows_replace(void **state)
{
    static struct sl_conf_errors errs;
    const struct row *r = &good;
    char text[4096], told[512] = "";
    size_t len = (size_t)snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n", LINE(dpdk), LINE(workers),
                                  LINE(interfaces), LINE(certificates), LINE(upstreams), LINE(listeners), LINE(extra));
    struct sl_conf *conf = sl_conf_parse(text, len, "t", fake_read, NULL, &errs);

    if (conf == NULL)
        sl_conf_error_format(&errs, 0, told, sizeof told);
    assert_string_equal(told, "");
    sl_conf_free(conf);
}

static void a_machine_serves_nothing(void **state)
{
    static struct sl_conf_errors errs;
    static const char text[] = "workers: { cores: [0] }\n"
                               "interfaces: [{ name: a, device: \"vdev:x\", addresses: 198.18.0.1/24 }]\n";
    struct sl_conf *conf = sl_conf_parse_machine(text, sizeof text - 1, "t", &errs);

    assert_non_null(conf);
    assert_int_equal(conf->n_listeners + conf->n_upstreams, 0);
    sl_conf_free(conf);
    assert_null(sl_conf_parse(text, sizeof text - 1, "t", NULL, NULL, &errs));
    assert_int_equal(errs.n, 2);
    assert_null(sl_conf_parse_machine("{}\n", 3, "t", &errs)); /* its own keys are still needed */
    assert_int_equal(errs.n, 2);
}

int main(void)
{
    static struct CMUnitTest tests[SL_ARRAY_LEN(rows) + 2];

    tests[0] = (struct CMUnitTest)cmocka_unit_test(accepts_the_lines_that_rows_replace);
    tests[1] = (struct CMUnitTest)cmocka_unit_test(a_machine_serves_nothing);
    for (size_t i = 0; i < SL_ARRAY_LEN(rows); i++)
        tests[i + 2] = (struct CMUnitTest){
            .name = rows[i].title, .test_func = tells, .initial_state = (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
