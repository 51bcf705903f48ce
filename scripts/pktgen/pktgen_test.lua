-- What the scripts tell Pktgen to send: lua5.4 scripts/pktgen/pktgen_test.lua

local here = arg[0]:match("^(.*/)") or "./"
local failed = 0

-- Runs a script against a new stub; settings is a table of patterns and what takes their places. Gives the stub, what was printed, and the error.
local function run(name, settings, newer)
    local file = assert(io.open(here .. name .. ".lua"))
    local text = file:read("a")
    file:close()
    for pattern, instead in pairs(settings or {}) do
        local n
        text, n = text:gsub(pattern, instead)
        assert(n == 1, pattern .. " is in the script " .. n .. " times")
    end
    local stub, printed = dofile(here .. "pktgen_stub.lua"), {}
    stub.newer = newer
    local environment = setmetatable({pktgen = stub.module, print = function(s) table.insert(printed, s) end}, {__index = _G})
    environment.dofile = function(path) return assert(loadfile(path, "t", environment))() end
    local ok, err = pcall(assert(load(text, "@" .. here .. name .. ".lua", "t", environment)))
    return stub, printed, not ok and err
end

local function number_of(ip)
    local n = 0
    for byte in ip:gmatch("%d+") do n = n * 256 + tonumber(byte) end
    return n
end

local function calls(stub, name)
    local found = {}
    for _, call in ipairs(stub.calls) do
        if call[1] == name then table.insert(found, table.concat(call, " ", 2)) end
    end
    return table.concat(found, ", ")
end

local function same(seen, expected, what) assert(seen == expected, string.format("%s: %s instead of %s", what, tostring(seen), tostring(expected))) end

-- Pktgen's way through a range: a step too far ends at the other end. As many frames as its pool holds.
local function walk(r, number)
    local at, min, max, inc = number(r.start), number(r.min), number(r.max), number(r.inc)
    return function()
        if inc == 0 then return at end
        at = at + inc
        if at < min then at = max elseif at > max then at = min end
        return at
    end
end

local function frames_of_range(stub)
    local source, port, to_port = walk(stub.range.src_ip, number_of), walk(stub.range.src_port, tonumber), walk(stub.range.dst_port, tonumber)
    local pairs_seen, n_pairs, sixteenths = {}, 0, {}
    for _ = 1, 24576 do
        local ip, sport = source(), port()
        assert(ip >= number_of("198.18.0.1") and ip <= number_of("198.19.255.254"), "a source outside of 198.18.0.0/15")
        assert(sport >= 1024 and sport <= 65535, "a source port of " .. sport)
        same(to_port(), 443, "destination port")
        if not pairs_seen[ip * 65536 + sport] then n_pairs = n_pairs + 1 end
        pairs_seen[ip * 65536 + sport] = true
        local part = (ip - number_of("198.18.0.0")) // 8192
        sixteenths[part] = (sixteenths[part] or 0) + 1
    end
    same(n_pairs, 24576, "different sources")
    for part = 0, 15 do assert((sixteenths[part] or 0) > 1000, "too few sources in part " .. part) end
end

local function a_range_flood(name, flags, ack)
    local stub, printed, err = run(name)
    assert(not err, err)
    frames_of_range(stub)
    same(stub.range.ip_proto, "tcp", "protocol")
    same(stub.range.dst_ip.start, "198.18.0.10", "destination")
    same(stub.range.dst_ip.inc, "0.0.0.0", "its step")
    same(stub.range.dst_mac.start, "02:00:00:00:00:10", "destination's MAC")
    same(stub.range.dst_mac.inc, "00:00:00:00:00:00", "its step")
    same(stub.range.pkt_size.start, 64, "frame size")
    same(stub.range.pkt_size.inc, 0, "its step")
    same(table.concat(stub.commands, "; "), flags .. "; range 0 tcp seq 1 1 2147483647 104729; range 0 tcp ack " .. ack, "commands")
    same(stub.sent_as.set_range, "on", "range mode while it sent")
    same(stub.modes.set_range, "off", "range mode at the end")
    same(stub.sent_as.pcap, nil, "capture mode")
    return stub, printed
end

local function what_all_do(stub, printed)
    same(calls(stub, "set"), "0 count 0, 0 rate 100", "settings")
    same(calls(stub, "set_mac"), "0 dst 02:00:00:00:00:10", "MAC")
    same(calls(stub, "set_ipaddr"), "0 src 198.18.0.1/24, 0 dst 198.18.0.10", "addresses for ARP")
    same(calls(stub, "process"), "0 on", "ARP is answered")
    same(calls(stub, "send_arp"), "0 request", "and asked")
    same(calls(stub, "start"), "0", "starts")
    same(calls(stub, "delay"), "1500, 10000, 1500", "ten seconds between settled counters")
    same(stub.sending, false, "sending at the end")
    assert(stub.calls[#stub.calls][1] ~= "quit", "it quits")
    same(table.concat(printed, "; "):match(": (.*)"), "sent 1000 frames, received 10", "report")
end

local tests = {}

function tests.syn_floods_from_a_range() what_all_do(a_range_flood("syn", "range 0 tcp flag clr all; range 0 tcp flag set syn", "0 0 0 0")) end

function tests.ack_floods_from_a_range() what_all_do(a_range_flood("ack", "range 0 tcp flag clr all; range 0 tcp flag set ack", "1 1 2147483647 130363")) end

local function a_capture_flood(name, settings)
    local stub, printed, err = run(name, settings)
    assert(not err, err)
    same(stub.sent_as.pcap, "on", "capture mode while it sent")
    same(stub.modes.pcap, "off", "capture mode at the end")
    same(stub.sent_as.set_range, nil, "range mode")
    same(#stub.commands, 0, "commands")
    what_all_do(stub, printed)
end

function tests.syn_floods_from_a_capture() a_capture_flood("syn", {["with_options = false"] = "with_options = true"}) end
function tests.icmp_floods_from_a_capture() a_capture_flood("icmp") end
function tests.mixed_floods_from_a_capture() a_capture_flood("mixed") end

function tests.newer_counters_are_read()
    local _, printed, err = run("ack", nil, true)
    assert(not err, err)
    same(printed[1], "ack: sent 1000 frames, received 10", "report")
end

function tests.settings_are_obeyed()
    local stub, _, err = run("ack", {['port = "0"'] = 'port = "3"', ["rate = 100"] = "rate = 0.5", ["seconds = 10"] = "seconds = 2", ["frame_bytes = 64"] = "frame_bytes = 128",
                                     ["to_port = 443"] = "to_port = 80", ["quit = false"] = "quit = true"})
    assert(not err, err)
    same(calls(stub, "set"), "3 count 0, 3 rate 0.5", "settings")
    same(calls(stub, "delay"), "1500, 2000, 1500", "seconds")
    same(calls(stub, "start"), "3", "port")
    same(stub.range.dst_port.start, 80, "destination port")
    same(stub.range.pkt_size.max, 128, "frame size")
    same(stub.commands[1], "range 3 tcp flag clr all", "port of the commands")
    same(stub.calls[#stub.calls][1], "quit", "the last call")
end

function tests.foreign_addresses_are_refused_unless_asked_for()
    for _, where in ipairs({'to_ip = "198.18.0.10"', 'gateway = "198.18.0.1"', 'source_first = "198.18.0.1"', 'source_last = "198.19.255.254"'}) do
        local foreign = where:gsub('".*"', where:match("first") and '"10.0.0.1"' or '"203.0.113.1"')
        local stub, _, err = run("syn", {[where] = foreign})
        assert(err and err:match("is outside of 198.18.0.0/15"), tostring(err))
        same(#stub.calls, 0, "calls")
        stub, _, err = run("syn", {[where] = foreign, ["anywhere = false"] = "anywhere = true"})
        assert(not err, err)
        same(calls(stub, "start"), "0", "starts")
    end
end

function tests.what_is_no_address_is_refused()
    for _, bad in ipairs({"198.18.0", "198.18.0.256", "sluice"}) do
        local _, _, err = run("icmp", {['to_ip = "198.18.0.10"'] = 'to_ip = "' .. bad .. '"'})
        assert(err and err:match("not an IPv4 address"), tostring(err))
    end
end

local names = {}
for name in pairs(tests) do table.insert(names, name) end
table.sort(names)
for _, name in ipairs(names) do
    local ok, err = pcall(tests[name])
    print((ok and "ok " or "not ok ") .. name .. (ok and "" or ": " .. tostring(err)))
    if not ok then failed = failed + 1 end
end
os.exit(failed == 0)
