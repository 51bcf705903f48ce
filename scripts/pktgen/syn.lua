-- SYN flood: SYNs from many addresses and ports.
--   pktgen ... -- ... -f scripts/pktgen/syn.lua
-- with_options: the SYNs come from a capture with all options of a common client, made by
--   scripts/pktgen/capture syn syn.pcap --to-mac MAC
--   pktgen ... -- ... -s 0:syn.pcap -f scripts/pktgen/syn.lua
-- Without it they are made by Pktgen's range, which knows no TCP options and leaves six bytes of payload in a SYN of 64 bytes.

local settings = {
    port = "0", -- Pktgen's port
    rate = 100, -- percent of what the link says that it can do
    seconds = 10,
    to_ip = "198.18.0.10", -- Sluice's address and MAC
    to_mac = "02:00:00:00:00:10",
    to_port = 443,
    frame_bytes = 64, -- with the FCS
    with_options = false,
    gateway = "198.18.0.1", -- Sluice's gateway, which this port is
    source_first = "198.18.0.1",
    source_last = "198.19.255.254",
    anywhere = false, -- true: addresses outside of 198.18.0.0/15, too
    quit = false, -- true: Pktgen ends with the script
}

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local flood = dofile(here .. "flood.lua")

if settings.with_options then flood.of_capture(settings, "syn") else flood.of_range(settings, "syn") end
