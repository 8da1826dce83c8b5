"""Gradients by PyTorch, in float64: a reference from outside.

    go test ./internal/certify -run PyTorch -pytorch python3

The test writes cases to the standard input, each with an expression of y and the arrays in it, and reads y and the
gradient of every floating-point array but t, and the state that the expression leaves, from the standard output.
"""
import json
import sys

import torch
import torch.nn.functional as F


def tensor(a):
    if a["shape"] is None:
        return torch.tensor(a["data"], dtype=torch.int64)
    return torch.tensor(a["data"], dtype=torch.float64).reshape(a["shape"])


results = []
for case in json.load(sys.stdin):
    arrays = {name: tensor(a) for name, a in case["arrays"].items()}
    state = {name: tensor(a) for name, a in case["state"].items()}
    dy = arrays.pop("dy")
    inputs = {name: a.requires_grad_() for name, a in arrays.items() if name != "t"}
    y = eval(case["expression"], {"torch": torch, "F": F, **arrays, **state})
    y.backward(dy.reshape(y.shape))
    arrays = {"y": y.detach()} | {name: a.grad for name, a in inputs.items()} | state
    results.append({name: a.flatten().tolist() for name, a in arrays.items()})
json.dump({"pytorch": torch.__version__.split("+")[0], "results": results}, sys.stdout)
