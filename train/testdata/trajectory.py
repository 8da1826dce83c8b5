"""The judge of a training run: 1,000 steps of the two-layer network of chapter 5
of "Deep Learning from Scratch" in NumPy, float64, on real MNIST, independent of
the Go code. The loss is an exact log-softmax.

    python3 trajectory.py MNIST_DIR > trajectory.json    # the golden values
    python3 trajectory.py MNIST_DIR --all FILE           # every parameter, raw

MNIST_DIR holds train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz. With
the second form, `go test ./train -run Trajectory -args -trajectory FILE`
compares all 39,760 parameters.
"""
import gzip
import json
import sys

import numpy as np

STEPS, BATCH, LR = 1000, 100, 0.1


def weights(rows, cols, seed):
    """Numbers between -0.05 and 0.05 that any language can make exactly."""
    i = np.arange(rows * cols, dtype=np.uint64)
    u = (i * np.uint64(2654435761) + np.uint64(seed)) % np.uint64(1 << 32)
    return ((u / 4294967296.0 - 0.5) * 0.1).reshape(rows, cols)


def main(folder, everything=None):
    with gzip.open(folder + "/train-images-idx3-ubyte.gz") as f:
        images = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(folder + "/train-labels-idx1-ubyte.gz") as f:
        labels = np.frombuffer(f.read(), np.uint8, offset=8)
    W1, b1 = weights(784, 50, 12345), np.zeros(50)
    W2, b2 = weights(50, 10, 67890), np.zeros(10)
    losses = {}
    rows = np.arange(BATCH)
    for step in range(STEPS):
        at = (step * BATCH + rows) % len(images)
        x, t = images[at] / 255.0, labels[at]
        # forward
        z = x @ W1 + b1
        h = np.where(z > 0, z, 0)
        a = h @ W2 + b2
        a = a - a.max(axis=1, keepdims=True)
        logsum = np.log(np.exp(a).sum(axis=1, keepdims=True))
        if step + 1 in (1, 10, 100, 1000):
            losses[str(step + 1)] = float((logsum[:, 0] - a[rows, t]).mean())
        # backward
        da = np.exp(a - logsum)
        da[rows, t] -= 1
        da /= BATCH
        dh = (da @ W2.T) * (z > 0)
        W2 -= LR * (h.T @ da)
        b2 -= LR * da.sum(axis=0)
        W1 -= LR * (x.T @ dh)
        b1 -= LR * dh.sum(axis=0)
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    if everything:
        np.concatenate([p.ravel() for p in params.values()]).astype("<f8").tofile(everything)
        return
    golden = {"source": "NumPy " + np.__version__ + ", trajectory.py", "steps": STEPS, "loss": losses, "params": {}}
    for name, p in params.items():
        flat = p.ravel()
        stride = max(1, len(flat) // 50)
        golden["params"][name] = {
            "sum": float(flat.sum()),
            "sum_of_squares": float((flat * flat).sum()),
            "stride": stride,
            "every_stride": [float(v) for v in flat[::stride]],
        }
    json.dump(golden, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3] if len(sys.argv) > 3 and sys.argv[2] == "--all" else None)
