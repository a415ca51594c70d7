"""How to train: sizes, steps and stopping, with the paper's sizes as defaults.

Nothing heavy is imported here: the command line takes its defaults from it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How to train."""

    units: int = 64
    """LSTM units in each direction."""
    dense: int = 256
    """Units of the dense layer."""
    dropout: float = 0.5
    optimizer: str = "adam"
    """Name of a Keras optimiser."""
    learning_rate: float = 1e-3
    decay: float = 1.0
    """Factor on the learning rate from epoch to epoch."""
    batch: int = 256
    epochs: int = 40
    """At most."""
    patience: int = 6
    """Epochs without a smaller validation loss before stopping."""
    class_weights: bool = True
    """Weigh classes by the inverse square root of their share."""
    seed: int = 1
