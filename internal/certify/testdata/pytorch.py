"""Gradients by PyTorch, in float64: a reference from outside.

    go test ./internal/certify -run PyTorch -pytorch python3

The test writes cases to the standard input, each with an expression of y and the arrays in it, and reads y and the
gradient of every floating-point array but t from the standard output.
"""
import json
import sys

import torch
import torch.nn.functional as F

results = []
for case in json.load(sys.stdin):
    arrays = {}
    for name, a in case["arrays"].items():
        kind = torch.int64 if a["shape"] is None else torch.float64
        arrays[name] = torch.tensor(a["data"], dtype=kind)
        if a["shape"] is not None:
            arrays[name] = arrays[name].reshape(a["shape"])
    dy = arrays.pop("dy")
    inputs = {name: a.requires_grad_() for name, a in arrays.items() if name != "t"}
    y = eval(case["expression"], {"torch": torch, "F": F, **arrays})
    y.backward(dy.reshape(y.shape))
    arrays = {"y": y.detach()} | {name: a.grad for name, a in inputs.items()}
    results.append({name: a.flatten().tolist() for name, a in arrays.items()})
json.dump({"pytorch": torch.__version__.split("+")[0], "results": results}, sys.stdout)
