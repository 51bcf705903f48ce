-- SYNs, ACKs of no connection and echo requests from many addresses: 70, 20 and 10 of a hundred, or as --parts says when the capture is made.
--   scripts/pktgen/capture mixed mixed.pcap --to-mac MAC [--parts 7:2:1]
--   pktgen ... -- ... -s 0:mixed.pcap -f scripts/pktgen/mixed.lua

local settings = {
    port = "0", -- Pktgen's port
    rate = 100, -- percent of what the link says that it can do
    seconds = 10,
    to_ip = "198.18.0.10", -- Sluice's address and MAC; the capture has them, too
    to_mac = "02:00:00:00:00:10",
    gateway = "198.18.0.1", -- Sluice's gateway, which this port is
    anywhere = false, -- true: addresses outside of 198.18.0.0/15, too
    quit = false, -- true: Pktgen ends with the script
}

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"

dofile(here .. "flood.lua").of_capture(settings, "mixed")
