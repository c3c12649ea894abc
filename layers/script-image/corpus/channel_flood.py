import wit_world
while True:
    wit_world.call("web.search", "{}")
