-- The webhooks of webhook.lua, with a pause of 20 to 40 ms before each request of a connection: a pace below what the service
-- can take, so that what is measured is what a request waits for and not the queue of the others.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "webhook.lua")

function delay()
    return math.random(20, 40)
end
