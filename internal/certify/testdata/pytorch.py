"""Gradients by PyTorch, in float64, of every layer at 100 random shapes: the judge from outside.

    python3 pytorch.py > pytorch.json        (PyTorch 2.15.0)

The inputs are not on file. They come from SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), whose state begins at the
number of the case: uniform numbers 4·(z >> 11)/2^53 - 2, in the order x, parameters, gradient of y. The gradients are
not on file either, but for each of them, and for y, three projections <v, array> on further such numbers, in order of
the arrays, and the largest element with its place: [p, p, p, place, value].
"""
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
MASK = (1 << 64) - 1


class Random:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return self.next() % n

    def draw(self, *shape):
        n = 1
        for d in shape:
            n *= d
        numbers = [4 * ((self.next() >> 11) * 2.0**-53) - 2 for _ in range(n)]
        return torch.tensor(numbers).reshape(shape)


def affine(x, w, b):
    return x @ w + b


def network(x, w1, b1, w2, b2, labels):
    return F.cross_entropy(affine(torch.relu(affine(x, w1, b1)), w2, b2), labels)


def case(layer, seed):
    r = Random(seed)
    n, a, b, c = 1 + r.below(8), 1 + r.below(40), 1 + r.below(40), 2 + r.below(9)
    inputs, extra = {}, ()
    if layer == "Affine":
        inputs = {"dx": r.draw(n, a), "W": r.draw(a, b), "b": r.draw(b)}
        f = affine
    elif layer == "784-50-10":  # the network, small; with larger weights it would be so sure of some labels that
        # the loss is all rounding
        inputs = {"dx": r.draw(n, a), "W1": r.draw(a, b) / 8, "b1": r.draw(b) / 8, "W2": r.draw(b, c) / 8, "b2": r.draw(c) / 8}
        extra = (torch.tensor([r.below(c) for _ in range(n)]),)
        f = network
    elif layer == "SoftmaxWithLoss":
        inputs = {"dx": r.draw(n, c)}
        extra = (torch.tensor([r.below(c) for _ in range(n)]),)
        f = F.cross_entropy
    elif layer == "SoftmaxWithLoss, soft targets":
        inputs = {"dx": r.draw(n, c)}
        weights = torch.tensor([[float(1 + r.below(16)) for _ in range(c)] for _ in range(n)])
        extra = (weights / weights.sum(1, keepdim=True),)
        f = F.cross_entropy
    else:
        inputs = {"dx": r.draw(n, a)}
        f = {"ReLU": torch.relu, "Sigmoid": torch.sigmoid, "Softmax": lambda x: torch.softmax(x, 1)}[layer]
    for x in inputs.values():
        x.requires_grad_()
    y = f(*inputs.values(), *extra)
    y.backward(r.draw(*y.shape))
    arrays = {}
    for name, array in [("y", y.detach())] + [(name, x.grad) for name, x in inputs.items()]:
        flat = array.flatten()
        place = int(flat.abs().argmax())
        arrays[name] = [float(r.draw(*flat.shape) @ flat) for _ in range(3)] + [place, float(flat[place])]
    return {"layer": layer, "seed": seed, "shape": [n, a, b, c], "arrays": arrays}


layers = ["Affine", "ReLU", "Sigmoid", "Softmax", "SoftmaxWithLoss", "SoftmaxWithLoss, soft targets", "784-50-10"]
print("[")
for i, layer in enumerate(layers):
    for k in range(100):
        last = i == len(layers) - 1 and k == 99
        print(json.dumps(case(layer, 1000 * i + k), separators=(",", ":")) + ("" if last else ","))
print("]")
