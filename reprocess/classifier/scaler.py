"""Reads the arrays of a fitted scaler from its pickle, executing nothing.

A pickle is a program; this reads the few instructions that a scikit-learn ``StandardScaler``
saved with joblib consists of, and takes names of classes and functions as words, never as things
to call. An instruction or a name outside that list is refused. joblib writes the bytes of each
array behind the instruction that completes its wrapper.

Sources: the opcode descriptions of Python's `pickletools`; the released scaler file.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reprocess.errors import ModelError

_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_NAMES = frozenset(
    {
        "sklearn.preprocessing._data.StandardScaler",
        _WRAPPER,
        "numpy.dtype",
        "numpy.ndarray",
        # How dill writes numpy's scalar constructor.
        "dill._dill._get_attr",
        "dill._dill._import_module",
    }
)
_SCALAR_MODULES = frozenset({"numpy.core._multiarray_umath", "numpy._core._multiarray_umath"})
_MARK = object()
_MAX_BYTES = 1 << 16


@dataclass
class _Object:
    """A named thing with the state it was given; never built for real."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


@dataclass
class _Reader:
    stack: list[Any] = field(default_factory=list)
    memo: list[Any] = field(default_factory=list)
    file: io.BytesIO = field(default_factory=io.BytesIO)

    def pop_mark(self) -> list[Any]:
        at = max(i for i, item in enumerate(self.stack) if item is _MARK)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def pop(self, count: int) -> list[Any]:
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items


def read_scaler(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and scales of a pickled ``StandardScaler``.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    tuple of ndarray of float64
        ``mean_`` and ``scale_``.

    Raises
    ------
    ModelError
        If the pickle does anything but hold such a scaler.
    """
    if len(data) > _MAX_BYTES:
        raise ModelError(f"a scaler's pickle has some hundred bytes, this has {len(data)}")
    reader = _Reader(file=io.BytesIO(data))
    try:
        for opcode, argument, _ in pickletools.genops(reader.file):
            if opcode.name == "STOP":
                break
            _step(reader, opcode.name, argument)
        if reader.file.read(1):
            raise ModelError("the pickle goes on after its end; refused")
        (scaler,) = reader.stack
        arrays = scaler.state["mean_"].state, scaler.state["scale_"].state
        if not all(isinstance(array, np.ndarray) for array in arrays):
            raise TypeError("mean_ and scale_ are not both arrays")
        return arrays
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ModelError(f"this pickle is not that of a StandardScaler: {type(e).__name__} {e}") from e


def _step(reader: _Reader, opcode: str, argument: Any) -> None:
    if opcode in _LITERALS:
        reader.stack.append(_LITERALS[opcode](argument))
    elif opcode in _ACTIONS:
        _ACTIONS[opcode](reader, argument)
    elif opcode not in {"PROTO", "FRAME"}:
        raise ModelError(f"the pickle holds a {opcode} instruction, which no scaler needs; refused")


def _global(reader: _Reader, _: Any) -> None:
    module, name = reader.pop(2)
    if f"{module}.{name}" not in _NAMES:
        raise ModelError(f"the pickle names {module}.{name}, which no scaler needs; refused")
    reader.stack.append(_Object(f"{module}.{name}"))


def _new(reader: _Reader, _: Any) -> None:
    cls, arguments = reader.pop(2)
    reader.stack.append(_Object(cls.name, arguments))


def _reduce(reader: _Reader, _: Any) -> None:
    function, arguments = reader.pop(2)
    allowed = {
        "numpy.dtype": lambda: arguments[1:] == (False, True),
        "dill._dill._import_module": lambda: arguments[0] in _SCALAR_MODULES,
        "dill._dill._get_attr": lambda: arguments[1] == "scalar",
        "scalar": lambda: True,
    }
    if function.name not in allowed or not allowed[function.name]():
        raise ModelError(f"the pickle calls {function.name}{arguments!r}, which no scaler needs; refused")
    name = "scalar" if function.name == "dill._dill._get_attr" else function.name
    reader.stack.append(_Object(name, arguments))


def _build(reader: _Reader, _: Any) -> None:
    thing, state = reader.pop(2)
    thing.state = state
    if thing.name == _WRAPPER:
        code, order = state["dtype"].arguments[0], state["dtype"].state[1]
        if (code, order) != ("f8", "<") or len(state["shape"]) != 1:
            raise ModelError(
                f"the pickle holds an array of {order}{code} and shape {state['shape']}; refused"
            )
        raw = reader.file.read(8 * state["shape"][0])
        thing.state = np.frombuffer(raw, "<f8", count=state["shape"][0]).copy()
    reader.stack.append(thing)


def _set_items(reader: _Reader, _: Any) -> None:
    items = reader.pop_mark()
    reader.stack[-1].update(zip(items[::2], items[1::2], strict=True))


_LITERALS: dict[str, Callable[[Any], Any]] = {
    "SHORT_BINUNICODE": lambda x: x,
    "SHORT_BINBYTES": lambda x: x,
    "BININT": lambda x: x,
    "BININT1": lambda x: x,
    "BININT2": lambda x: x,
    "NONE": lambda _: None,
    "NEWTRUE": lambda _: True,
    "NEWFALSE": lambda _: False,
    "EMPTY_TUPLE": lambda _: (),
    "EMPTY_DICT": lambda _: {},
    "MARK": lambda _: _MARK,
}

_ACTIONS: dict[str, Callable[[_Reader, Any], None]] = {
    "MEMOIZE": lambda r, _: r.memo.append(r.stack[-1]),
    "BINGET": lambda r, i: r.stack.append(r.memo[i]),
    "TUPLE1": lambda r, _: r.stack.append(tuple(r.pop(1))),
    "TUPLE2": lambda r, _: r.stack.append(tuple(r.pop(2))),
    "TUPLE3": lambda r, _: r.stack.append(tuple(r.pop(3))),
    "TUPLE": lambda r, _: r.stack.append(tuple(r.pop_mark())),
    "STACK_GLOBAL": _global,
    "NEWOBJ": _new,
    "REDUCE": _reduce,
    "BUILD": _build,
    "SETITEMS": _set_items,
}
