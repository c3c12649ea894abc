import wit_world
wit_world.call("llm.chat", '{"a":' + "[" * 100000 + "]" * 100000 + "}")
print("ESCAPED")
