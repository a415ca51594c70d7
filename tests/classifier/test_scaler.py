"""The released scaler, pickles like it made here, and pickles that want to run something."""

import builtins
import hashlib
import os
import pickle
import pickletools
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprocess.classifier.scaler import read_scaler
from reprocess.errors import ModelError

MEAN = np.array([8.2, 11.5, 6.8, 10.3, 5.2, 9.6, 2.6, 7.4])
SCALE = np.array([2.9, 1.6, 3.1, 2.0, 4.2, 2.2, 5.1, 1.8])

# --- building pickles, an instruction at a time ------------------------------------------------


def text(value: str) -> bytes:
    return pickle.SHORT_BINUNICODE + bytes([len(value.encode())]) + value.encode()


def number(value: int) -> bytes:
    return pickle.BININT + struct.pack("<i", value)


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


def dtype(code: str, order: str = "<") -> bytes:
    made = (
        named("numpy", "dtype")
        + text(code)
        + pickle.NEWFALSE
        + pickle.NEWTRUE
        + pickle.TUPLE3
        + pickle.REDUCE
    )
    state = (
        pickle.MARK + number(3) + text(order) + pickle.NONE * 3 + number(-1) * 2 + number(0) + pickle.TUPLE
    )
    return made + state + pickle.BUILD


def array(values: bytes, code: str = "f8", shape: tuple[int, ...] = (8,), order: str = "<") -> bytes:
    """An array as joblib writes it: a wrapper, then the bytes."""
    dims = pickle.MARK + b"".join(number(n) for n in shape) + pickle.TUPLE
    state = {
        "subclass": named("numpy", "ndarray"),
        "shape": dims,
        "order": text("C"),
        "dtype": dtype(code, order),
        "allow_mmap": pickle.NEWTRUE,
    }
    wrapper = named("joblib.numpy_pickle", "NumpyArrayWrapper") + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    return wrapper + mapping(state) + pickle.BUILD + values


def mapping(items: dict[str, bytes]) -> bytes:
    return pickle.EMPTY_DICT + pickle.MARK + b"".join(text(k) + v for k, v in items.items()) + pickle.SETITEMS


def scaler(**items: bytes) -> bytes:
    """A scaler; attributes may be replaced or added."""
    state = {
        "with_mean": pickle.NEWTRUE,
        "mean_": array(MEAN.tobytes()),
        "scale_": array(SCALE.tobytes()),
    } | items
    made = named("sklearn.preprocessing._data", "StandardScaler") + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    return pickle.PROTO + b"\x04" + made + mapping(state) + pickle.BUILD + pickle.STOP


@pytest.fixture
def released(shared: Path) -> bytes:
    return (shared / "published" / "LSTM_scaler.joblib").read_bytes()


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    """A file that every hostile pickle here would make, if anything ran it."""
    return tmp_path / "executed"


# --- good ones ---------------------------------------------------------------------------------


def test_the_released_scaler(released):
    assert (
        hashlib.sha256(released).hexdigest()
        == "20ccb820114981626d24df444e6647cc80be9da2bf83251002779614d672b68f"
    )
    mean, scale = read_scaler(released)
    for values in (mean, scale):
        assert values.shape == (8,)
        assert values.dtype == np.float64
        assert values.flags.writeable
    # Means of logarithms of fluxes: 90 degrees above 0 degrees in every channel, falling with energy.
    assert (mean[1::2] > mean[::2]).all()
    assert (np.diff(mean[::2]) < 0).all()
    assert (np.diff(mean[1::2]) < 0).all()
    assert (scale > 1).all()
    # The bytes are there as they are, behind their wrappers, the means first.
    assert 0 < released.index(mean.tobytes()) < released.index(scale.tobytes())


def test_a_scaler_made_here():
    mean, scale = read_scaler(scaler())
    np.testing.assert_array_equal(mean, MEAN)
    np.testing.assert_array_equal(scale, SCALE)


def test_arrays_may_hold_bytes_that_look_like_instructions():
    values = np.frombuffer(b"." * 24 + b"cos\nsystem\n(R" + b"R" * 27, "<f8")
    mean, _ = read_scaler(scaler(mean_=array(values.tobytes())))
    np.testing.assert_array_equal(mean, values)


# --- hostile ones ------------------------------------------------------------------------------


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(sentinel: Path) -> dict[str, bytes]:
    """Pickles that make the sentinel when they are loaded."""
    command, code = f"touch {sentinel}", f"open({str(sentinel)!r}, 'w').close()"
    arguments = text(code) + pickle.TUPLE1 + pickle.REDUCE
    found = {
        f"{name}, protocol {protocol}": pickle.dumps(Calls(function, argument), protocol)
        for name, function, argument in (
            ("os.system", os.system, command),
            ("eval", builtins.eval, code),
            ("exec", builtins.exec, code),
            ("Path.touch", Path.touch, sentinel),
        )
        for protocol in range(6)
    }
    found |= {
        "GLOBAL by hand": b"cbuiltins\nexec\n(V" + code.encode() + b"\ntR.",
        "INST": b"(V" + code.encode() + b"\nibuiltins\nexec\n.",
        "STACK_GLOBAL": b"\x80\x04" + named("builtins", "exec") + arguments + b".",
        "in an attribute": scaler(extra=named("builtins", "exec") + arguments),
        "in place of an array": scaler(mean_=named("builtins", "exec") + arguments),
        "after the arrays": scaler()[:-1] + named("builtins", "exec") + arguments + b".",
        "object array": pickle.dumps(np.array([Calls(builtins.exec, code)], object)),
        "object array behind a wrapper": scaler(
            mean_=array(pickle.dumps(Calls(builtins.exec, code), 2), "O", (1,)),
        ),
    }
    return found


HOSTILE = list(hostile(Path("/none")))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_pickles_are_refused_and_not_run(kind, sentinel):
    data = hostile(sentinel)[kind]
    with pytest.raises(ModelError):
        read_scaler(data)
    assert not sentinel.exists()


@pytest.mark.parametrize(
    "kind",
    [
        "os.system, protocol 0",
        "os.system, protocol 4",
        "eval, protocol 2",
        "exec, protocol 5",
        "Path.touch, protocol 3",
        "GLOBAL by hand",
        "INST",
        "STACK_GLOBAL",
    ],
)
def test_the_same_pickles_do_run_when_loaded(kind, sentinel):
    """Without this the test above could pass on pickles that do nothing."""
    path = sentinel.with_name("hostile.pickle")
    path.write_bytes(hostile(sentinel)[kind])
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(path)], check=True, capture_output=True)
    assert sentinel.exists()


@pytest.mark.parametrize("module", ["os", "subprocess", "builtins", "numpy", "numpy.core", "importlib"])
def test_dill_may_import_one_module_only(module):
    imported = named("dill._dill", "_import_module") + text(module) + pickle.TUPLE1 + pickle.REDUCE
    with pytest.raises(
        ModelError, match=rf"the pickle calls dill\._dill\._import_module\('{module}',\), which"
    ) as e:
        read_scaler(scaler(extra=imported))
    assert str(e.value).endswith("no scaler needs; refused")


@pytest.mark.parametrize("module", ["numpy.core._multiarray_umath", "numpy._core._multiarray_umath"])
def test_dill_may_take_one_attribute_only(module):
    imported = named("dill._dill", "_import_module") + text(module) + pickle.TUPLE1 + pickle.REDUCE
    for attribute in ("_reconstruct", "system", "scalar.__class__"):
        got = named("dill._dill", "_get_attr") + imported + text(attribute) + pickle.TUPLE2 + pickle.REDUCE
        with pytest.raises(ModelError, match=r"the pickle calls dill\._dill\._get_attr.*refused"):
            read_scaler(scaler(extra=got))
    got = named("dill._dill", "_get_attr") + imported + text("scalar") + pickle.TUPLE2 + pickle.REDUCE
    assert len(read_scaler(scaler(extra=got))[0]) == 8


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("dill._dill", "_create_function"),
        ("dill._dill", "_load_type"),
        ("numpy", "load"),
        ("numpy", "dtype.newbyteorder"),
        ("joblib.numpy_pickle", "load"),
        ("sklearn.preprocessing._data", "MinMaxScaler"),
    ],
)
def test_names_outside_the_list(module, name):
    with pytest.raises(ModelError) as e:
        read_scaler(scaler(extra=named(module, name)))
    assert str(e.value) == f"the pickle names {module}.{name}, which no scaler needs; refused"


@pytest.mark.parametrize(
    ("opcode", "code"),
    [
        ("GLOBAL", b"cos\nsystem\n"),
        ("PERSID", b"Pname\n"),
        ("EXT1", b"\x82\x01"),
        ("BINFLOAT", b"G" + bytes(8)),
        ("NEWOBJ_EX", pickle.NEWOBJ_EX),
        ("BINBYTES", b"B" + bytes(4)),
        ("LONG1", b"\x8a\x01\x01"),
        ("DUP", b"2"),
        ("NEXT_BUFFER", b"\x97"),
        ("FROZENSET", b"(\x91"),
    ],
)
def test_instructions_outside_the_list(opcode, code):
    with pytest.raises(ModelError, match="which no scaler needs; refused") as e:
        read_scaler(scaler(extra=pickle.NEWTRUE + code))
    assert f"the pickle holds a {opcode} instruction" in str(e.value)


@pytest.mark.parametrize("called", ["sklearn.preprocessing._data.StandardScaler", "numpy.ndarray"])
def test_only_some_of_the_names_may_be_called(called):
    module, _, name = called.rpartition(".")
    call = named(module, name) + text("x") + pickle.TUPLE1 + pickle.REDUCE
    with pytest.raises(
        ModelError, match=f"the pickle calls {called}\\('x',\\), which no scaler needs; refused"
    ):
        read_scaler(scaler(extra=call))


# --- arrays that are not eight doubles ---------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "shape", "size"),
    [
        ("f4", (8,), 32),
        ("i8", (8,), 64),
        ("O", (8,), 64),
        ("O8", (8,), 64),
        ("U2", (8,), 64),
        ("c16", (8,), 128),
        ("f8", (8, 1), 64),
        ("f8", (2, 4), 64),
        ("f8", (), 8),
    ],
)
def test_other_dtypes_and_shapes(code, shape, size):
    data = scaler(mean_=array(bytes(size), code, shape))
    with pytest.raises(ModelError, match=r"the pickle holds an array of .* and shape .*; refused") as e:
        read_scaler(data)
    assert f"<{code} " in str(e.value)
    assert str(shape) in str(e.value)


@pytest.mark.parametrize("length", [-1, -8, 2**31 - 1, 9, 1000])
def test_lengths_that_do_not_fit(length):
    with pytest.raises(ModelError):
        read_scaler(scaler(scale_=array(SCALE.tobytes(), shape=(length,))))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"}.",
        b"N.",
        b"\x80\x04.",
        b"\x80\x04}}.",
        b"\x80\x04\x88b.",
        b"\x80\x04R.",
        b"\x80\x04u.",
        b"\x80\x04t.",
        b"\x80\x04h\x05.",
        b"\x80\x04\x93.",
        b"not a pickle at all",
        b"\x89HDF\r\n\x1a\n",
        b"\xff" * 100,
    ],
)
def test_nonsense(data):
    with pytest.raises(ModelError):
        read_scaler(data)


def test_a_scaler_that_was_not_fitted():
    made = named("sklearn.preprocessing._data", "StandardScaler") + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    data = b"\x80\x04" + made + mapping({"with_mean": pickle.NEWTRUE}) + pickle.BUILD + b"."
    with pytest.raises(ModelError, match="this pickle is not that of a StandardScaler: KeyError 'mean_'"):
        read_scaler(data)


def test_a_scaler_in_a_list_or_with_company():
    for data in (scaler()[:-1] + pickle.NEWTRUE + b".", scaler()[:-1] + pickle.TUPLE1 + b"."):
        with pytest.raises(ModelError, match="this pickle is not that of a StandardScaler"):
            read_scaler(data)


def test_truncated_at_every_byte(released):
    for data in (released, scaler()):
        assert len(read_scaler(data)) == 2
        for length in range(len(data)):
            with pytest.raises(ModelError, match=r"StandardScaler|refused"):
                read_scaler(data[:length])


def test_too_large():
    data = b"\x80\x04" + b"N0" * 40_000
    with pytest.raises(ModelError, match=f"a scaler's pickle has some hundred bytes, this has {len(data)}"):
        read_scaler(data)


def test_as_large_as_allowed():
    filler = b"".join(text("x" * 250) + pickle.MEMOIZE for _ in range(255))
    data = b"\x80\x04" + filler + b"."
    assert 1 << 15 < len(data) <= 1 << 16
    with pytest.raises(ModelError, match="StandardScaler"):
        read_scaler(data)


def changed_bytes(data: bytes) -> st.SearchStrategy[bytes]:
    def change(edits: list[tuple[int, int]]) -> bytes:
        result = bytearray(data)
        for at, value in edits:
            result[at % len(data)] = value
        return bytes(result)

    opcodes = st.sampled_from([ord(o.code) for o in pickletools.opcodes])
    value = st.one_of(opcodes, st.integers(0, 255))
    return st.lists(st.tuples(st.integers(0, len(data) - 1), value), min_size=1, max_size=3).map(change)


@settings(max_examples=200, deadline=None, derandomize=True)  # the same bytes on every machine
@given(changed_bytes(scaler()))
def test_damaged_pickles_give_arrays_or_a_model_error(data):
    try:
        mean, scale = read_scaler(data)
    except ModelError:
        return
    assert mean.dtype == scale.dtype == np.float64
    assert mean.ndim == scale.ndim == 1


# --- what is not refused as promised -----------------------------------------------------------


@pytest.mark.parametrize("tail", [b"\x00", b"." * 10, b"cos\nsystem\n(Vtrue\ntR."])
def test_trailing_bytes(tail):
    with pytest.raises(ModelError):
        read_scaler(scaler() + tail)


@pytest.mark.parametrize("code", [",8", "08,", "f8,(f8"])
def test_type_codes_that_numpy_parses(code):
    with pytest.raises(ModelError):
        read_scaler(scaler(mean_=array(MEAN.tobytes(), code)))


@pytest.mark.parametrize("use", [pickle.REDUCE, b"\x8c\x01x" + pickle.STACK_GLOBAL])
def test_deep_nesting(use):
    deep = pickle.EMPTY_TUPLE + pickle.TUPLE1 * 20_000
    with pytest.raises(ModelError):
        read_scaler(b"\x80\x04" + named("numpy", "dtype") + deep + use + b".")


def test_attributes_that_are_no_arrays():
    with pytest.raises(ModelError):
        read_scaler(scaler(mean_=named("numpy", "ndarray")))


def test_big_endian_arrays_are_read_right_or_refused():
    try:
        mean, _ = read_scaler(scaler(mean_=array(MEAN.astype(">f8").tobytes(), order=">")))
    except ModelError:
        return
    np.testing.assert_array_equal(mean, MEAN)
