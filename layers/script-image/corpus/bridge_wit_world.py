import wit_world
print([name for name in dir(wit_world) if not name.startswith("_")])
for method in ("fs.read", "process.env", "runs.start", "api_keys.create", "admin"):
    reply = wit_world.call(method, "{}")
    if '"kind":"value"' in reply.replace(" ", ""):
        print("ESCAPED", method, reply)
