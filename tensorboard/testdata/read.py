"""Prints what TensorBoard reads from a folder of event files, as JSON."""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator as ea

run = ea.EventAccumulator(sys.argv[1], size_guidance={ea.SCALARS: 0, ea.HISTOGRAMS: 0})
run.Reload()
json.dump({
    "scalars": {tag: [[e.step, e.value] for e in run.Scalars(tag)] for tag in run.Tags()["scalars"]},
    "histograms": {tag: [[e.step, e.histogram_value.min, e.histogram_value.max, e.histogram_value.num,
                          sum(e.histogram_value.bucket), len(e.histogram_value.bucket_limit)]
                         for e in run.Histograms(tag)] for tag in run.Tags()["histograms"]},
}, sys.stdout)
