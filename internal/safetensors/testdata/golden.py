# Writes the golden files of the tests beside it, with numpy 2.4.6 and safetensors 0.8.0:
#
#	python3 golden.py
import numpy as np
from safetensors.numpy import save_file

for name, t in ("float32", np.float32), ("float64", np.float64):
    save_file(
        {
            "b": np.array([0.1, -0.0], t),
            "empty": np.zeros((0, 3), t),
            "scalar": np.array(np.pi, t),
            "한글": np.arange(6, dtype=t).reshape(2, 3),
        },
        name + ".safetensors",
        metadata={"text": 'a "quoted" text\n'},
    )
save_file({"a": np.zeros(2, np.float32)}, "plain.safetensors")
save_file({"a": np.zeros(2, np.int8)}, "int8.safetensors")
