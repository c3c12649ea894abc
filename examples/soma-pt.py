from hyper_core import llm, web, tool

@tool
def soma(args: dict):
    "Soma a e b."
    return args["a"] + args["b"]

texto = web.search("Rust vs Python performance")
print(llm.chat(f"Resuma o texto:\n\n{texto}\n\nDepois chame a tool soma com a=12 e b=30"))
