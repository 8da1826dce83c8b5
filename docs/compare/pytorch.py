"""The network of the book in PyTorch, for the comparison in the README: are the weights after 200 steps the same on one
and on two threads, and how many steps a second does it do?

    python3 pytorch.py MNIST_DIR        (PyTorch 2.15.0; MNIST_DIR holds the four .gz files)

The workload is W1 of `chainrule bench`: 784-50-10, ReLU, batches of 100 of MNIST, SGD with a learning rate of 0.1.
"""
import gzip
import hashlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


def read(name, header):
    with gzip.open(f"{sys.argv[1]}/{name}") as f:
        return np.frombuffer(f.read(), np.uint8, offset=header)


x = torch.from_numpy(read("train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(np.float32) / 255)
t = torch.from_numpy(read("train-labels-idx1-ubyte.gz", 8).astype(np.int64))
batches = [(x[i:i + 100].clone(), t[i:i + 100].clone()) for i in range(0, len(x), 100)]


def start():
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(784, 50), torch.nn.ReLU(), torch.nn.Linear(50, 10))
    return net, torch.optim.SGD(net.parameters(), lr=0.1, fused=True)


def step(net, optimizer, i):
    samples, labels = batches[i % len(batches)]
    optimizer.zero_grad()
    F.cross_entropy(net(samples), labels).backward()
    optimizer.step()


for threads in 1, 2:
    torch.set_num_threads(threads)
    net, optimizer = start()
    for i in range(200):
        step(net, optimizer, i)
    bits = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()[:16]
    print(f"PyTorch {torch.__version__}, threads {threads}: SHA-256 of the weights {bits}...", flush=True)

for threads in 1, 2:
    torch.set_num_threads(threads)
    net, optimizer = start()
    rates = []
    for _ in range(5):
        begin = time.perf_counter()
        for i in range(1000):
            step(net, optimizer, i)
        rates.append(1000 / (time.perf_counter() - begin))
    print(f"PyTorch {torch.__version__}, threads {threads}: {sorted(rates)[2]:.0f} steps/s", flush=True)
