-- ACK flood: segments of no connection, from many addresses and ports.
--   pktgen ... -- ... -f scripts/pktgen/ack.lua

local settings = {
    port = "0", -- Pktgen's port
    rate = 100, -- percent of what the link says that it can do
    seconds = 10,
    to_ip = "198.18.0.10", -- Sluice's address and MAC
    to_mac = "02:00:00:00:00:10",
    to_port = 443,
    frame_bytes = 64, -- with the FCS
    gateway = "198.18.0.1", -- Sluice's gateway, which this port is
    source_first = "198.18.0.1",
    source_last = "198.19.255.254",
    anywhere = false, -- true: addresses outside of 198.18.0.0/15, too
    quit = false, -- true: Pktgen ends with the script
}

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"

dofile(here .. "flood.lua").of_range(settings, "ack")
