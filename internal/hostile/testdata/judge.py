# Says for each file of a folder whether Python's safetensors takes it: a line of JSON each.
import json
import os
import sys

from safetensors import safe_open

for name in sorted(os.listdir(sys.argv[1])):
    error = None
    try:
        with safe_open(os.path.join(sys.argv[1], name), framework="numpy") as f:
            f.metadata()
            for key in f.keys():
                f.get_tensor(key)
    except BaseException as e:  # panics of Rust are no Exception
        error = f"{type(e).__name__}: {e}"[:200]
    print(json.dumps({"name": name, "error": error}))
