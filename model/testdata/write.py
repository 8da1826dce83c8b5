"""Writes a model file with NumPy and safetensors, as docs/FORMAT.md says.

    python write.py MODEL     prints input and logits as JSON

Weights and inputs are multiples of 1/8, so that no program has to round.
"""

import json
import sys

import numpy as np
from safetensors.numpy import save_file

rng = np.random.default_rng(5)


def eighths(*shape):
    return (rng.integers(-16, 17, shape) / 8).astype(np.float32)


w1, b1 = eighths(6, 5), eighths(5)
w2, b2 = eighths(5, 5), eighths(5)
w3 = eighths(5, 3)
b3 = eighths(3)

architecture = {
    "version": 1,
    "input": [6],
    "layers": [
        {"name": "Affine1", "kind": "Affine", "in": 6, "out": 5},
        {"name": "ReLU1", "kind": "ReLU"},
        {"name": "Block", "kind": "Sequential", "layers": [
            {"name": "Affine1", "kind": "Affine", "in": 5, "out": 5},
            {"name": "ReLU1", "kind": "ReLU"},
            # The same weights once more, with the bias of the first layer.
            {"name": "Affine2", "kind": "Affine", "in": 5, "out": 5, "W": "Block.Affine1.W", "b": "Affine1.b"},
        ]},
        {"name": "Last", "kind": "Affine", "in": 5, "out": 3},
    ],
}
tensors = {
    "Affine1.W": w1, "Affine1.b": b1,
    "Block.Affine1.W": w2, "Block.Affine1.b": b2,
    "Last.W": w3, "Last.b": b3,
}
save_file(tensors, sys.argv[1], metadata={"note": "from NumPy", "chainrule": json.dumps(architecture)})

x = eighths(4, 6)
h = np.maximum(x @ w1 + b1, 0)
h = np.maximum(h @ w2 + b2, 0) @ w2 + b1
logits = h @ w3 + b3
print(json.dumps({"input": x.tolist(), "logits": logits.tolist()}))
