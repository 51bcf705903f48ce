-- What the floods share: loaded by syn.lua, ack.lua, icmp.lua and mixed.lua, which hold the settings.
-- Pktgen's Lua calls as of 23.03; pktgen.portStats also as of 25.08.

local flood = {}

local POOL = 24576 -- frames that Pktgen 23.03 makes of a range or a capture, once, and sends again and again

-- ---- addresses ----

local function number_of(ip)
    local a, b, c, d = ip:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    assert(a, "not an IPv4 address: " .. tostring(ip))
    for _, byte in ipairs({a, b, c, d}) do assert(tonumber(byte) < 256, "not an IPv4 address: " .. ip) end
    return ((tonumber(a) * 256 + tonumber(b)) * 256 + tonumber(c)) * 256 + tonumber(d)
end

local function text_of(n)
    return string.format("%d.%d.%d.%d", n // 16777216, n // 65536 % 256, n // 256 % 256, n % 256)
end

-- RFC 2544's network for benchmarks. Whoever floods another one says so.
local function check_addresses(o)
    local least, most = number_of("198.18.0.0"), number_of("198.19.255.255")
    for name, ip in pairs({to_ip = o.to_ip, gateway = o.gateway, source_first = o.source_first, source_last = o.source_last}) do
        local n = number_of(ip)
        assert(o.anywhere or (n >= least and n <= most), name .. " " .. ip .. " is outside of 198.18.0.0/15")
    end
end

-- ---- commands without a Lua call ----

local function commands(lines)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(table.concat(lines, "\n"), "\n")
    file:close()
    local ok, err = pcall(pktgen.load, path)
    os.remove(path)
    assert(ok, err)
end

-- ---- set-up ----

-- The port is the gateway of whoever is flooded: it asks for the destination, which makes it known, and answers when it is asked.
local function prepare(o)
    pktgen.stop(o.port)
    pktgen.clr()
    pktgen.set(o.port, "count", 0)
    pktgen.set(o.port, "rate", o.rate)
    pktgen.set_mac(o.port, "dst", o.to_mac)
    pktgen.set_ipaddr(o.port, "src", o.gateway .. "/24")
    pktgen.set_ipaddr(o.port, "dst", o.to_ip)
    pktgen.process(o.port, "on")
    pktgen.send_arp(o.port, "request")
end

-- start, min, max, inc
local function range(o, name, start, min, max, inc)
    pktgen.range[name](o.port, "start", start)
    pktgen.range[name](o.port, "min", min)
    pktgen.range[name](o.port, "max", max)
    pktgen.range[name](o.port, "inc", inc)
end

-- So large a step that the pool's frames come once around the addresses; ports go another way around, so that no two are of one source.
local function step(first, last) return (last - first + POOL) // POOL end

local function prepare_range(o, flag)
    local first, last = number_of(o.source_first), number_of(o.source_last)
    assert(first < last, "source_first is not before source_last")
    range(o, "dst_mac", o.to_mac, o.to_mac, o.to_mac, "00:00:00:00:00:00")
    range(o, "dst_ip", o.to_ip, o.to_ip, o.to_ip, "0.0.0.0")
    range(o, "src_ip", o.source_first, o.source_first, o.source_last, text_of(step(first, last)))
    pktgen.range.ip_proto(o.port, "tcp")
    range(o, "src_port", 1024, 1024, 65535, 7)
    range(o, "dst_port", o.to_port, o.to_port, o.to_port, 0)
    range(o, "pkt_size", o.frame_bytes, o.frame_bytes, o.frame_bytes, 0)
    commands({
        "range " .. o.port .. " tcp flag clr all",
        "range " .. o.port .. " tcp flag set " .. flag,
        "range " .. o.port .. " tcp seq 1 1 2147483647 104729",
        "range " .. o.port .. " tcp ack " .. (flag == "ack" and "1 1 2147483647 130363" or "0 0 0 0"),
    })
    pktgen.set_range(o.port, "on")
end

-- ---- run ----

-- Since 25.08 portStats takes no kind and has the counters a level deeper.
local function counters(o)
    local ok, stats = pcall(pktgen.portStats, o.port, "port")
    if not ok then stats = pktgen.portStats(o.port) end
    local port = stats[tonumber(o.port)]
    return port.curr or port
end

-- The counters are those of Pktgen's screen, which is renewed once a second. Its delays are so coarse, too, that no rate is made of them.
local function settled(o)
    pktgen.delay(1500)
    return counters(o)
end

local function run(o, what)
    local before = settled(o)
    pktgen.start(o.port)
    pktgen.delay(o.seconds * 1000)
    pktgen.stop(o.port)
    local after = settled(o)
    print(string.format("%s: sent %d frames, received %d", what, after.opackets - before.opackets, after.ipackets - before.ipackets))
end

function flood.of_range(o, flag)
    check_addresses(o)
    prepare(o)
    prepare_range(o, flag)
    run(o, flag)
    pktgen.set_range(o.port, "off")
    if o.quit then pktgen.quit() end
end

-- The capture is the one that Pktgen was started with: -s PORT:FILE.
function flood.of_capture(o, what)
    check_addresses(o)
    prepare(o)
    pktgen.pcap(o.port, "on")
    run(o, what)
    pktgen.pcap(o.port, "off")
    if o.quit then pktgen.quit() end
end

return flood
