-- Posts custom events of several tenants, each with its own deduplication_id.
-- Arguments: file with one "host token" a line.
local tenants, thread_number, sent = {}, 0, 0
local pad = string.rep("x", 150)

function setup(thread)
    thread:set("id", thread_number)
    thread_number = thread_number + 1
end

function init(args)
    math.randomseed(os.time() * 10 + id)
    run = string.format("%x%x", os.time(), math.random(0, 0xffffff))
    for line in io.lines(args[1]) do
        local host, token = line:match("^(%S+) (%S+)$")
        tenants[#tenants + 1] = { host = host, token = token }
    end
end

function request()
    sent = sent + 1
    local tenant = tenants[math.random(#tenants)]
    local number = string.format("%09d", (id * 50000000 + sent) % 1000000000)
    local body = '{"external_reference_id":"8' .. number .. '","email":"erika.' .. number .. '@example.com","phone":"+49151'
        .. number .. '","event_name":"abandoned_cart","event_time":"2026-11-23T08:16:00Z","deduplication_id":"' .. run .. "-" .. id
        .. "-" .. sent .. '","event_data":{"discount_code":"HAPPY24","cart":{"value":59.9,"currency":"EUR"},"note":"' .. pad .. '"}}'
    return wrk.format("POST", "/api/v0/webhooks/incoming/emarsys/custom_external_event", {
        ["Host"] = tenant.host, ["Authorization"] = "Bearer " .. tenant.token, ["Content-Type"] = "application/json" }, body)
end
