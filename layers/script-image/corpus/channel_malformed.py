import wit_world
wit_world.call("llm.chat", '{"prompt": "x", "prompt": "y"}')
print("ESCAPED")
