"""The network on TensorFlow: the reference, and the way to a GPU."""

import numpy as np

from reprocess.classifier.bundle import Bundle
from reprocess.classifier.features import FEATURES, WINDOW
from reprocess.classifier.framework import tf
from reprocess.schema import CLASSES

BATCH = 256
"""Windows at once; the compiled program has this fixed size and the last batch is padded.

Larger ones are little faster per window, and a day rarely needs many windows.
"""


class TensorflowEngine:
    """The network as one program compiled by XLA."""

    def __init__(self, bundle: Bundle) -> None:
        # A GPU would round factors to 10 bits, and classes could differ from those of other machines.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        weights = {name: tf.constant(array) for name, array in bundle.weights.items()}
        signature = tf.TensorSpec((BATCH, WINDOW, len(FEATURES)), tf.float32)

        def network(windows: tf.Tensor) -> tf.Tensor:
            return _network(windows, weights)

        self._program = tf.function(network, input_signature=[signature], jit_compile=True)

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return class probabilities; see `Engine.predict`."""
        result = np.empty((len(windows), len(CLASSES)), np.float32)
        batch = np.zeros((BATCH, *windows.shape[1:]), np.float32)
        for start in range(0, len(windows), BATCH):
            part = windows[start : start + BATCH]
            batch[: len(part)] = part
            result[start : start + BATCH] = self._program(tf.constant(batch)).numpy()[: len(part)]
        return result


def _network(windows: tf.Tensor, w: dict[str, tf.Tensor]) -> tf.Tensor:
    steps = tf.unstack(windows, axis=1)
    state = tf.concat([_lstm(steps, w, "forward"), _lstm(steps[::-1], w, "backward")], axis=1)
    active = tf.nn.relu(state @ w["dense_kernel"] + w["dense_bias"])
    return tf.nn.softmax(active @ w["softmax_kernel"] + w["softmax_bias"])


def _lstm(steps: list[tf.Tensor], w: dict[str, tf.Tensor], direction: str) -> tf.Tensor:
    """Return the output after the last step; gates are in Keras's order i, f, c, o."""
    kernel, recurrent, bias = (w[f"{direction}_{part}"] for part in ("kernel", "recurrent", "bias"))
    output = cell = tf.zeros((steps[0].shape[0], recurrent.shape[0]), tf.float32)
    for step in steps:
        i, f, c, o = tf.split(step @ kernel + output @ recurrent + bias, 4, axis=1)
        cell = tf.sigmoid(f) * cell + tf.sigmoid(i) * tf.nn.relu(c)
        output = tf.sigmoid(o) * tf.nn.relu(cell)
    return output
