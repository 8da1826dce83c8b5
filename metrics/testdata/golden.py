"""Writes golden.json: metrics by scikit-learn 1.9.1 (pip install scikit-learn==1.9.1).

    python3 metrics/testdata/golden.py > metrics/testdata/golden.json
"""

import json
import sys

import numpy as np
from sklearn import metrics as m

rng = np.random.default_rng(12)
cases = []
for n, k, levels in [(40, 2, 0), (60, 3, 4), (200, 10, 0), (200, 10, 8)]:
    # A few levels make ties, within a sample and between samples.
    p = rng.random((n, k))
    if levels:
        p = np.ceil(p * levels)
    t = rng.integers(0, k, n)
    p[np.arange(n), t] += 0.3 if not levels else 1
    p = (p / p.sum(axis=1, keepdims=True)).round(4)
    c = p.argmax(axis=1)
    precision, recall, f1, support = m.precision_recall_fscore_support(
        t, c, labels=range(k), zero_division=0)
    macro = m.precision_recall_fscore_support(
        t, c, labels=range(k), average="macro", zero_division=0)
    cases.append({
        "probabilities": p.tolist(), "labels": t.tolist(),
        "accuracy": m.accuracy_score(t, c),
        # Of equal probabilities scikit-learn takes the last classes first, so top-k is left
        # to cases without ties.
        "top": None if levels else [
            m.top_k_accuracy_score(t, p if k > 2 else p[:, 1], k=i, labels=range(k)) for i in range(1, k)],
        "confusion": m.confusion_matrix(t, c, labels=range(k)).tolist(),
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(),
        "macro": list(macro[:3]),
        "auc": [m.roc_auc_score(t == i, p[:, i]) for i in range(k)],
    })

t = rng.normal(50, 10, (100, 2)).round(3)
y = (t + rng.normal(0, 4, t.shape)).round(3)
regression = {
    "y": y.tolist(), "t": t.tolist(),
    "r2": m.r2_score(t, y, multioutput="raw_values").tolist(),
    "mae": m.mean_absolute_error(t, y, multioutput="raw_values").tolist(),
    "rmse": m.root_mean_squared_error(t, y, multioutput="raw_values").tolist(),
    "mean_r2": m.r2_score(t, y),
}
json.dump({"classification": cases, "regression": regression}, sys.stdout)
