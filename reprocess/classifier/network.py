"""The network of the paper in Keras: to train it, and to write it for other programs.

Capannolo, Li & Huang (2022): bidirectional LSTM (relu), dropout, dense (relu), dropout, softmax.
"""

from reprocess.classifier.features import FEATURES, WINDOW
from reprocess.classifier.framework import keras
from reprocess.schema import CLASSES


def build_network(units: int, dense: int, dropout: float = 0.0, seed: int = 0) -> keras.Model:
    """Return the network with its first, random weights.

    The LSTM is unrolled: on two cores that is 1.6 times faster than Keras's loop, and 25 times
    faster than XLA.

    Parameters
    ----------
    units : int
        Units of the LSTM in each direction.
    dense : int
        Units of the dense layer.
    dropout : float
        Share of inputs dropped in training.
    seed : int
        Seed of weights and dropout.
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((WINDOW, len(FEATURES))),
            layers.Bidirectional(layers.LSTM(units, activation="relu", unroll=True)),
            layers.Dropout(dropout),
            layers.Dense(dense, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )
