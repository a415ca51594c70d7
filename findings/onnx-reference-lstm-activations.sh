#!/usr/bin/env bash
# onnx's reference evaluator ignores the attribute `activations` of an LSTM: with Relu it computes tanh, silently.
#
# Versions: onnx 1.19.1 (onnx.reference), onnxruntime 1.23.2, numpy 2.2.6.
# Expected: an LSTM whose attribute says activations = [Sigmoid, Relu, Relu] gives the same numbers in both, or
#   the evaluator refuses what it does not implement.
# Seen: onnxruntime applies Relu; onnx.reference gives, to the last digit of single precision, what the same
#   network gives with Tanh. No warning is printed.
# For us: who checks an exported network with onnx.reference is told other classes than the ones published.
# Exit status: 0 if seen as said, 1 if that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.19.1 onnxruntime==1.23.2 numpy==2.2.6 2> /dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("error")
rng = np.random.default_rng(1)
inputs, hidden = 3, 4
tensors = {
    "W": rng.normal(0, 0.6, (1, 4 * hidden, inputs)),
    "R": rng.normal(0, 0.6, (1, 4 * hidden, hidden)),
    "B": rng.normal(0, 0.6, (1, 8 * hidden)),
}


def network(activations):
    node = helper.make_node(
        "LSTM", ["X", *tensors], ["Y"], hidden_size=hidden, activations=activations
    )
    graph = helper.make_graph(
        [node],
        "lstm",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [5, 2, inputs])],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, [5, 1, 2, hidden])],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


x = rng.normal(0, 2, (5, 2, inputs)).astype(np.float32)
relu, tanh = network(["Sigmoid", "Relu", "Relu"]), network(["Sigmoid", "Tanh", "Tanh"])
run = lambda m: onnxruntime.InferenceSession(m.SerializeToString()).run(None, {"X": x})[0]
asked, reference = run(relu), ReferenceEvaluator(relu).run(None, {"X": x})[0]
reference = reference.reshape(asked.shape)
print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
print("reference against onnxruntime, both asked for Relu: largest difference", abs(reference - asked).max())
print("reference asked for Relu against onnxruntime asked for Tanh:", abs(reference - run(tanh)).max())
seen = abs(reference - asked).max() > 0.1 and abs(reference - run(tanh)).max() < 1e-5
raise SystemExit(0 if seen else "no longer as described")
PYTHON
