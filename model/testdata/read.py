"""Prints what Python's safetensors finds in a file, as JSON.

    python read.py MODEL
"""

import json
import sys

from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as f:
    tensors = {name: f.get_tensor(name) for name in f.keys()}
    metadata = f.metadata()
json.dump({
    "metadata": metadata,
    "tensors": {
        name: {"dtype": str(a.dtype), "shape": a.shape, "bytes": a.tobytes().hex()}
        for name, a in tensors.items()
    },
}, sys.stdout)
