"""The network on ONNX Runtime: the default on CPUs."""

import os

# Or onnxruntime keeps a file of its sessions, for telemetry, in the temporary folder from its import on.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# isort: split
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from reprocess.classifier.bundle import Bundle
from reprocess.classifier.features import FEATURES, WINDOW
from reprocess.schema import CLASSES

BATCH = 512
"""Windows at once: larger batches leave the processor's cache."""

_OPSET = 17
_IR_VERSION = 9  # read by every onnxruntime since 1.15


class OnnxEngine:
    """One single-threaded session."""

    def __init__(self, bundle: Bundle) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # workers are processes; their number is the parallelism
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            build_graph(bundle), options, providers=["CPUExecutionProvider"]
        )

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return class probabilities; see `Engine.predict`."""
        result = np.empty((len(windows), len(CLASSES)), np.float32)
        for start in range(0, len(windows), BATCH):
            part = windows[start : start + BATCH]
            time_major = np.ascontiguousarray(part.swapaxes(0, 1))  # the operator wants time first
            (result[start : start + BATCH],) = self._session.run(None, {"windows": time_major})
        return result


def build_graph(bundle: Bundle) -> bytes:
    """Return the network as a serialised ONNX graph.

    The LSTM operator wants gates in the order i, o, f, c, matrices transposed, and input and
    recurrent biases; its activations are named per direction for gates, cell and output.
    """
    w = bundle.weights
    directions = ("forward", "backward")
    units = w["forward_recurrent"].shape[0]
    tensors = {
        "W": np.stack([_gates(w[f"{d}_kernel"]).T for d in directions]),
        "R": np.stack([_gates(w[f"{d}_recurrent"]).T for d in directions]),
        "B": np.stack(
            [np.concatenate([_gates(w[f"{d}_bias"]), np.zeros(4 * units, np.float32)]) for d in directions]
        ),
        "merged": np.array([0, 2 * units], np.int64),
        **{k: w[k] for k in ("dense_kernel", "dense_bias", "softmax_kernel", "softmax_bias")},
    }
    nodes = [
        helper.make_node(
            "LSTM",
            ["windows", "W", "R", "B"],
            ["", "last"],
            direction="bidirectional",
            hidden_size=units,
            activations=["Sigmoid", "Relu", "Relu"] * 2,
        ),
        helper.make_node("Transpose", ["last"], ["by_window"], perm=[1, 0, 2]),
        helper.make_node("Reshape", ["by_window", "merged"], ["state"]),
        helper.make_node("Gemm", ["state", "dense_kernel", "dense_bias"], ["dense"]),
        helper.make_node("Relu", ["dense"], ["active"]),
        helper.make_node("Gemm", ["active", "softmax_kernel", "softmax_bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "bidirectional_lstm",
        [helper.make_tensor_value_info("windows", TensorProto.FLOAT, [WINDOW, None, len(FEATURES)])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(CLASSES)])],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    return bytes(model.SerializeToString())


def _gates(array: np.ndarray) -> np.ndarray:
    """Reorder the gates along the last axis from i, f, c, o to i, o, f, c."""
    i, f, c, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, o, f, c], axis=-1)
