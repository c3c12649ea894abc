import wit_world
wit_world.call("llm.chat", '{"prompt":"' + "x" * (2 << 20) + '"}')
print("ESCAPED")
