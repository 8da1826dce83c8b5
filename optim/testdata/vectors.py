"""Writes onnx.json, ONNX's own test vectors of its training operators:

    python vectors.py > onnx.json        (onnx 1.23.2)
"""
import json

from onnx.backend.test.case.node import adagrad, adam, momentum

vectors = []


def expect(node, inputs, outputs, name, **_):
    attributes = {}
    for a in node.attribute:
        value = a.s.decode() if a.s else a.f
        attributes[a.name] = value
    vectors.append({
        "name": name, "op": node.op_type, "attributes": attributes,
        "inputs": [x.reshape(-1).tolist() for x in inputs],
        "outputs": [x.reshape(-1).tolist() for x in outputs],
    })


for module, case in ((adagrad, "Adagrad"), (adam, "Adam"), (momentum, "Momentum")):
    module.expect = expect
    for name, export in vars(getattr(module, case)).items():
        if name.startswith("export"):
            getattr(getattr(module, case), name)()
print("[\n" + ",\n".join(json.dumps(v) for v in vectors) + "\n]")
