# Names of other runs, tokens and numbers in the arguments are arguments, not the frame.
import json, wit_world
reply = wit_world.call("embed", json.dumps({"run_id": "another", "token": "guess", "seq": 99, "texts": ["x"], "input_type": "query"}))
print(reply)
