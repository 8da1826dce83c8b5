"""Writes pytorch.json, 100 steps of PyTorch's optimizers in float64:

    python pytorch.py > pytorch.json        (torch 2.15.0)

Each case has the name that pytorch_test.go knows it by, and the parameters after the
steps 1, 10 and 100: a matrix of 2 by 3, and a vector of 3.
"""
import json

import torch
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop
from torch.optim import lr_scheduler as rates

STEPS, SEEN = 100, (1, 10, 100)


def gradients():
    """The low 31 bits of a linear congruential generator, from -1 to 1, each element
    times a power of two from 2^-4 to 2^4: exact in float64."""
    state = 1
    while True:
        g = []
        for i in range(9):
            state = (state * 1103515245 + 12345) % 2**31
            g.append((state / 2**30 - 1) * 2.0 ** (i - 4))
        yield g


def run(name, optimizer, schedule=None, before=None):
    """before changes the gradients in place before the step."""
    w = torch.tensor([1.0, -2.0, 3.0, -4.0, 5.0, -6.0], dtype=torch.float64).reshape(2, 3).requires_grad_()
    b = torch.tensor([0.5, -0.25, 0.125], dtype=torch.float64).requires_grad_()
    opt = optimizer(w, b)
    sched = schedule(opt) if schedule else None
    seen, numbers = [], gradients()
    for step in range(1, STEPS + 1):
        g = torch.tensor(next(numbers), dtype=torch.float64)
        w.grad, b.grad = g[:6].reshape(2, 3).clone(), g[6:].clone()
        if before:
            before([w, b])
        opt.step()
        if sched:
            sched.step()
        if step in SEEN:
            seen.append(w.detach().reshape(-1).tolist() + b.detach().tolist())
    return json.dumps({"name": name, "steps": seen})


def of(kind, **settings):
    return lambda w, b: kind([w, b], foreach=False, **settings)


clip_norm = lambda p: torch.nn.utils.clip_grad_norm_(p, 3.0)
clip_value = lambda p: torch.nn.utils.clip_grad_value_(p, 0.75)
sgd = of(SGD, lr=0.05)
momentum = of(SGD, lr=0.05, momentum=0.9)
cases = [
    run("sgd", sgd),
    run("sgd decay", of(SGD, lr=0.05, weight_decay=0.1)),
    run("sgd clip norm", sgd, before=clip_norm),
    run("sgd clip value", sgd, before=clip_value),
    run("sgd clip norm decay", of(SGD, lr=0.05, weight_decay=0.1), before=clip_norm),
    run("momentum", momentum),
    run("momentum decay", of(SGD, lr=0.05, momentum=0.9, weight_decay=0.1)),
    run("nesterov", of(SGD, lr=0.05, momentum=0.9, nesterov=True)),
    run("nesterov decay clip norm", of(SGD, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1), before=clip_norm),
    run("adagrad", of(Adagrad, lr=0.1)),
    run("adagrad decay", of(Adagrad, lr=0.1, weight_decay=0.1)),
    run("rmsprop", of(RMSprop, lr=0.01)),
    run("rmsprop decay", of(RMSprop, lr=0.01, weight_decay=0.1)),
    run("adam", of(Adam, lr=0.01)),
    run("adam decay", of(Adam, lr=0.01, weight_decay=0.1)),
    run("adam large epsilon", of(Adam, lr=0.01, eps=0.1)),
    run("adamw", of(AdamW, lr=0.01, weight_decay=0.1)),
    run("adamw clip norm", of(AdamW, lr=0.01, weight_decay=0.1), before=clip_norm),
    run("group without decay, at a tenth", lambda w, b: AdamW(
        [{"params": [w]}, {"params": [b], "weight_decay": 0.0, "lr": 0.001}], lr=0.01, weight_decay=0.1, foreach=False)),
    run("frozen vector", lambda w, b: SGD([w], lr=0.05, foreach=False)),
    run("step every=30 gamma=0.5", sgd, lambda o: rates.StepLR(o, 30, 0.5)),
    run("milestones at=5,50,75 gamma=0.1", sgd, lambda o: rates.MultiStepLR(o, [5, 50, 75], 0.1)),
    run("linear steps=80 end=0.25", sgd, lambda o: rates.LinearLR(o, 1, 0.25, 80)),
    run("exponential steps=100 end=0.01", sgd, lambda o: rates.ExponentialLR(o, 0.01 ** (1 / 100))),
    run("cosine steps=100 end=0", sgd, lambda o: rates.CosineAnnealingLR(o, 100)),
    run("cosine steps=100 end=0.2", sgd, lambda o: rates.CosineAnnealingLR(o, 100, 0.05 * 0.2)),
    run("onecycle steps=100 rise=0.3 start=0.04 end=4e-06", sgd, lambda o: rates.OneCycleLR(o, 0.05, 100, cycle_momentum=False)),
    run("onecycle steps=100 rise=0.25 start=0.1 end=0.001", sgd, lambda o: rates.OneCycleLR(
        o, 0.05, 100, pct_start=0.25, div_factor=10, final_div_factor=100, cycle_momentum=False)),
    run("cosine steps=90 end=0 warmup=10", sgd, lambda o: rates.SequentialLR(
        o, [rates.LinearLR(o, 1 / 11, 1, 10), rates.CosineAnnealingLR(o, 90)], [10])),
    run("momentum, step every=30 gamma=0.5", momentum, lambda o: rates.StepLR(o, 30, 0.5)),
]
print("[\n" + ",\n".join(cases) + "\n]")
