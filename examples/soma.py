from hyper_core import llm, web, tool

@tool
def soma(args: dict):
    "Adds a and b."
    return args["a"] + args["b"]

text = web.search("Rust vs Python performance")
print(llm.chat(f"Summarise the text:\n\n{text}\n\nThen call the tool soma with a=12 and b=30"))
