-- Stands in for Pktgen 23.03's module in tests: takes the calls that it has, with as many arguments as it wants, keeps them, and reads command files.

local stub = {calls = {}, commands = {}, modes = {}, tick = 0}

-- name = number of arguments
local plain = {stop = 1, start = 1, clr = 0, set_mac = 3, set_ipaddr = 3, process = 2, send_arp = 2, set_range = 2, pcap = 2, delay = 1, quit = 0}
local settable = {count = true, rate = true, size = true}
local of_range = {dst_mac = 3, dst_ip = 3, src_ip = 3, ip_proto = 2, src_port = 3, dst_port = 3, pkt_size = 3}
local most_inc = {src_port = 64, dst_port = 64}

local function note(name, ...)
    table.insert(stub.calls, {name, ...})
end

local function counted(name, n, then_do)
    return function(...)
        assert(select("#", ...) == n, name .. ", wrong number of arguments")
        note(name, ...)
        if then_do then return then_do(...) end
    end
end

local function unknown(_, name) error("pktgen has no " .. name) end

-- A range of which the test reads: range[field][start|min|max|inc].
stub.range = {}
local range = setmetatable({}, {__index = unknown})
for name, n in pairs(of_range) do
    range[name] = counted("range." .. name, n, function(_, what, value)
        if n == 2 then stub.range[name] = what return end
        assert(what == "start" or what == "min" or what == "max" or what == "inc", name .. " knows no " .. what)
        assert(what ~= "inc" or not most_inc[name] or value <= most_inc[name], name .. ": such an increment is cut")
        stub.range[name] = stub.range[name] or {}
        stub.range[name][what] = value
    end)
end

local module = setmetatable({range = range}, {__index = unknown})
for name, n in pairs(plain) do module[name] = counted(name, n) end

-- Modes exclude each other, and none can be turned on while a port sends.
for _, name in ipairs({"set_range", "pcap"}) do
    module[name] = counted(name, 2, function(_, state)
        assert(not stub.sending, name .. " while it sends")
        stub.modes[name] = state
    end)
end
module.start = counted("start", 1, function() stub.sending = true; stub.sent_as = {set_range = stub.modes.set_range, pcap = stub.modes.pcap} end)
module.stop = counted("stop", 1, function() stub.sending = false end)

module.set = counted("set", 3, function(_, what, value)
    assert(settable[what], "set does not support " .. what)
    assert(math.type(value), what .. " is a number")
end)

function module.load(path)
    for line in io.lines(path) do table.insert(stub.commands, line) end
end

-- As 23.03 or, when stub.newer, as 25.08.
function module.portStats(...)
    assert(select("#", ...) == (stub.newer and 1 or 2), "portStats, wrong number of arguments")
    stub.tick = stub.tick + 1
    local counters = {opackets = 1000 * stub.tick, ipackets = 10 * stub.tick}
    return {[tonumber((...))] = stub.newer and {curr = counters} or counters, n = 1}
end

stub.module = module
return stub
