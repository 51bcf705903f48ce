-- The requests that wrk makes, and what it saw as one line of JSON. Arguments after --: path, bytes to upload (0: GET), "close" or "keep".
function init(args)
  wrk.path = args[1]
  if tonumber(args[2]) > 0 then
    wrk.method = "PUT"
    wrk.body = string.rep("0123456789abcdef", tonumber(args[2]) / 16)
  end
  if args[3] == "close" then wrk.headers["Connection"] = "close" end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('JSON {"operations":%d,"us":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
    '"p50":%.1f,"p90":%.1f,"p99":%.1f,"p99.9":%.1f,"max":%.1f}\n', summary.requests, summary.duration, summary.bytes, e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max))
end
