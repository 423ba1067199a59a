-- Reads contacts by phone. Arguments: host, key, file with one phone a line.
local phones = {}

function init(args)
    math.randomseed(os.time())
    host, key = args[1], args[2]
    for line in io.lines(args[3]) do phones[#phones + 1] = line:gsub("+", "%%2B") end
end

function request()
    return wrk.format("GET", "/api/v0/contacts?phone=" .. phones[math.random(#phones)], { ["Host"] = host, ["X-API-Key"] = key })
end
