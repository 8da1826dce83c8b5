"""Writes golden.tfevents with the protobuf messages and records of TensorBoard 2.21.0.

    pip install tensorboard==2.21.0
    python3 tensorboard/testdata/write.py > tensorboard/testdata/golden.tfevents
"""

import sys

from tensorboard.compat.proto import event_pb2, histogram_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

records = RecordWriter(sys.stdout.buffer)


def write(**fields):
    event = event_pb2.Event(wall_time=1700000000.25, **fields)
    records.write(event.SerializeToString(deterministic=True))


def value(**fields):
    return summary_pb2.Summary.Value(**fields)


write(file_version="brain.Event:2")
write(step=3, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
write(step=3, summary=summary_pb2.Summary(value=[
    value(tag="loss/training", simple_value=0.75),
    value(tag="정확도", simple_value=float("nan")),
]))
counts = [0.0] * 64
counts[0], counts[32], counts[63] = 2, 1, 1
write(step=300000, summary=summary_pb2.Summary(value=[value(tag="W", histo=histogram_pb2.HistogramProto(
    min=-32, max=32, num=4, sum=-32, sum_squares=3 * 1024,
    bucket_limit=[float(i - 31) for i in range(64)], bucket=counts))]))
