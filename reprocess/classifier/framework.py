"""TensorFlow and Keras, imported without the notices that TensorFlow prints.

It tells of its optimisations and of graphics cards that are not there, in part before it reads
``TF_CPP_MIN_LOG_LEVEL``. Setting that variable to 0, 1 or 2 brings the notices back. Errors are
Python exceptions in any case.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from reprocess.errors import ModelError

_NOTICE = re.compile(
    rb"WARNING: All log messages before absl::|[IWE]\d{4} \d\d:|To enable the following instructions"
)


@contextmanager
def without_notices() -> Iterator[None]:
    """Hold standard error back, and pass on at the end what are not notices of TensorFlow."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not _NOTICE.match(line):
                    os.write(2, line)


os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever keras.json says
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with without_notices() if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3" else nullcontext():
    try:
        import keras
        import tensorflow as tf
    except ImportError as e:
        raise ModelError(
            f"TensorFlow and Keras cannot be imported here ({e}); to train, write .keras or use "
            "--engine tensorflow: pip install 'reprocess[tensorflow]', or '.[tensorflow]' from a copy of the "
            "repository. All else does without them"
        ) from e

# As the backend: the user's keras.json may be of another project, and networks are in single precision.
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")

__all__ = ["keras", "tf"]
