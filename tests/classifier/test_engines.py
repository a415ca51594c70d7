import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reprocess.classifier import engine as module
from reprocess.classifier.bundle import WEIGHTS, Bundle, load_bundle, save_bundle, weight_shapes
from reprocess.classifier.engine import DEFAULT_ENGINE, ENGINES, Engine, get_engine
from reprocess.classifier.features import windows
from reprocess.errors import ModelError

TOLERANCE = 1e-5
"""The parity that admits an engine."""


@pytest.fixture(scope="module")
def golden(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Windows and what the published code makes of them."""
    with np.load(shared / "golden" / "probabilities.npz") as file:
        return file["windows"], file["probabilities"]


@pytest.fixture(scope="module", params=list(ENGINES))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def engine(name: str, random_model: Bundle) -> Engine:
    return get_engine(random_model.path, random_model.sha256, name)[1]


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(1025 + 7, 8)).astype(np.float32)


def reference(x: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    """The network in double precision, written from its description."""

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def lstm(steps, direction):
        kernel, recurrent, bias = (
            w[f"{direction}_{p}"].astype(float) for p in ("kernel", "recurrent", "bias")
        )
        h = c = np.zeros((len(x), recurrent.shape[0]))
        for step in steps:
            i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.maximum(g, 0)
            h = sigmoid(o) * np.maximum(c, 0)
        return h

    steps = [x[:, k].astype(float) for k in range(7)]
    state = np.concatenate([lstm(steps, "forward"), lstm(steps[::-1], "backward")], axis=1)
    dense = np.maximum(state @ w["dense_kernel"] + w["dense_bias"], 0)
    logits = dense @ w["softmax_kernel"] + w["softmax_bias"]
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponential / exponential.sum(axis=1, keepdims=True)


def test_default_is_onnxruntime():
    assert DEFAULT_ENGINE == "onnxruntime"
    assert set(ENGINES) == {"onnxruntime", "tensorflow"}


def test_a_gpu_gives_the_published_classes(published, golden):
    from reprocess.classifier.framework import tf

    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("no GPU: TensorFlow finds none on this machine")
    x, expected = golden
    assert "GPU" in (tf.constant(x) + 0).device
    found = get_engine(published.path, published.sha256, "tensorflow")[1].predict(x)
    assert np.abs(found - expected).max() < TOLERANCE
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


def test_parity_with_the_published_code(name, published, golden):
    x, expected = golden
    assert x.shape == (3176, 7, 8)
    assert np.bincount(expected.argmax(axis=1), minlength=3).min() > 100  # every class is there
    found = get_engine(published.path, published.sha256, name)[1].predict(x)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < TOLERANCE
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


def test_the_network_by_hand(published, golden):
    x, expected = golden
    assert np.abs(reference(x[:200], dict(published.weights)) - expected[:200]).max() < TOLERANCE


def test_random_weights(engine, random_model, features):
    # Softmax outputs of random weights are near 0 and 1, where wrong gates would show at once.
    x = windows(features)[:300]
    expected = reference(x, dict(random_model.weights))
    assert (expected.max(axis=1) > 0.9).mean() > 0.5
    np.testing.assert_allclose(engine.predict(x), expected, atol=2e-4)


def test_a_network_of_another_size(name, random_model, features, tmp_path):
    rng = np.random.default_rng(4)
    small = {n: rng.normal(0, 0.5, s).astype(np.float32) for n, s in weight_shapes(5, 12).items()}
    bundle = save_bundle(tmp_path / "small", {"name": "small"}, small, random_model.scaling)
    found = ENGINES[name](bundle).predict(windows(features)[:300])
    np.testing.assert_allclose(found, reference(windows(features)[:300], small), atol=2e-4)


@pytest.mark.parametrize("size", [0, 1, 2, 511, 512, 513, 1023, 1024, 1025])
def test_batches_do_not_show(engine, features, size):
    x = windows(features)
    assert len(x) == 1025
    whole = engine.predict(x)
    part = engine.predict(x[:size])
    assert part.shape == (size, 3)
    assert part.dtype == np.float32
    np.testing.assert_allclose(part, whole[:size], atol=1e-6)
    np.testing.assert_array_equal(part.argmax(axis=1), whole[:size].argmax(axis=1))
    np.testing.assert_allclose(part.sum(axis=1), 1, atol=1e-5)


def test_order_of_windows_does_not_matter(engine, features):
    x = windows(features)
    order = np.random.default_rng(1).permutation(len(x))
    np.testing.assert_allclose(engine.predict(x[order]), engine.predict(x)[order], atol=1e-6)


def test_views(engine, features):
    view = windows(features)
    assert not view.flags.c_contiguous
    expected = engine.predict(np.ascontiguousarray(view))
    np.testing.assert_array_equal(engine.predict(view), expected)
    np.testing.assert_array_equal(
        engine.predict(view[::-1]), engine.predict(np.ascontiguousarray(view[::-1]))
    )
    fortran = np.asfortranarray(view)
    np.testing.assert_array_equal(engine.predict(fortran), expected)


def test_repeats_exactly_and_leaves_its_input_alone(engine, features):
    x = windows(features)
    before = features.copy()
    np.testing.assert_array_equal(engine.predict(x), engine.predict(x))
    np.testing.assert_array_equal(features, before)


def test_results_are_not_overwritten_by_the_next_call(engine, features):
    x = windows(features)
    first = engine.predict(x[:10])
    copy = first.copy()
    engine.predict(x[500:520])
    np.testing.assert_array_equal(first, copy)


# --- one per process ---------------------------------------------------------------------------


@pytest.fixture
def copied(random_model: Bundle, tmp_path: Path) -> Bundle:
    shutil.copytree(random_model.path, tmp_path / "copied")
    return load_bundle(tmp_path / "copied")


def test_loaded_once_per_process(copied, monkeypatch):
    made = []

    def factory(bundle: Bundle) -> object:
        made.append(bundle)
        return object()

    monkeypatch.setitem(ENGINES, "counting", factory)
    first = get_engine(copied.path, copied.sha256, "counting")
    shutil.rmtree(copied.path)  # not even looked at again
    again = get_engine(copied.path, copied.sha256, "counting")
    assert again[0] is first[0]
    assert again[1] is first[1]
    assert len(made) == 1
    assert made[0].sha256 == copied.sha256


def test_another_model_than_planned(copied, name):
    planned = "0" * 64
    with pytest.raises(ModelError) as e:
        get_engine(copied.path, planned, name)
    assert (
        str(e.value) == f"the model in {copied.path} is {copied.sha256}, the run was planned with {planned}"
    )


def test_a_changed_card_is_another_model(copied, name):
    path = copied.path / "card.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"title": "another"}))
    with pytest.raises(ModelError, match="the run was planned with " + copied.sha256):
        get_engine(copied.path, copied.sha256, name)


def test_changed_weights_are_refused(copied, name):
    path = copied.path / "weights.npz"
    with np.load(path) as file:
        weights = {key: file[key] for key in file.files}
    assert set(weights) == set(WEIGHTS)
    weights["dense_bias"] = weights["dense_bias"] + np.float32(1)
    np.savez(path, **weights)
    with pytest.raises(ModelError, match="its card says"):
        get_engine(copied.path, copied.sha256, name)


def test_refusals_are_not_remembered(copied, monkeypatch):
    monkeypatch.setitem(ENGINES, "dummy", lambda _: object())
    moved = copied.path.with_name("moved")
    copied.path.rename(moved)
    with pytest.raises(ModelError, match="is no model bundle"):
        module.get_engine(copied.path, copied.sha256, "dummy")
    moved.rename(copied.path)
    assert module.get_engine(copied.path, copied.sha256, "dummy")[0].sha256 == copied.sha256


def test_unknown_engine(copied):
    with pytest.raises(ModelError, match="onnxruntime"):
        get_engine(copied.path, copied.sha256, "torch")


def test_a_windows_result_does_not_depend_on_the_others_of_its_batch(name, published, golden):
    """Bit for bit: what makes classifying few windows give the probabilities of classifying all."""
    network = get_engine(published.path, published.sha256, name)[1]
    x = golden[0][:1500]
    everything = network.predict(x)
    rng = np.random.default_rng(11)
    for size in (1, 2, 3, 17, 100, 513, 1200):
        chosen = rng.permutation(len(x))[:size]
        np.testing.assert_array_equal(network.predict(x[chosen]), everything[chosen])


def test_the_users_settings_of_keras_change_nothing(random_model: Bundle, tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    settings = {"floatx": "float16", "epsilon": 0.1, "backend": "jax", "image_data_format": "channels_first"}
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(settings), encoding="utf-8")
    code = (
        "from reprocess.classifier.framework import keras as k\n"
        "print(k.config.floatx(), k.config.epsilon(), k.config.backend(), k.config.image_data_format())\n"
    )
    environment = os.environ | {"HOME": str(tmp_path), "KERAS_HOME": str(tmp_path / ".keras")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout == "float32 1e-07 tensorflow channels_last\n"


def test_onnxruntime_keeps_no_telemetry(tmp_path: Path) -> None:
    """From version 1.32 it leaves a file of its sessions in the temporary folder unless told not to."""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    program = "import reprocess.classifier.onnx_engine"
    subprocess.run([sys.executable, "-c", program], env=environment | {"TMPDIR": str(tmp_path)}, check=True)
    assert not list(tmp_path.iterdir())
