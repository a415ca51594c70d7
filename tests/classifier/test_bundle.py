import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from reprocess.classifier.bundle import (
    WEIGHTS,
    Bundle,
    check_scaling,
    check_weights,
    describe_network,
    find_model,
    list_models,
    load_bundle,
    save_bundle,
    shipped_models,
    user_models,
    weight_shapes,
)
from reprocess.classifier.features import Scaling
from reprocess.errors import ModelError
from reprocess.files import sha256

SCALING = Scaling((0.01, 100.0), 0.001, tuple(float(k) for k in range(8)), tuple(1 + k / 3 for k in range(8)))


def weights(seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in WEIGHTS.items()}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return save_bundle(tmp_path / "made", {"name": "made", "licence": "none"}, weights(), SCALING)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The user's and the shipped models, both empty."""
    user, shipped = tmp_path / "user", tmp_path / "shipped"
    monkeypatch.setenv("REPROCESS_MODELS", str(user))
    monkeypatch.setattr("reprocess.classifier.bundle.shipped_models", lambda: shipped)
    monkeypatch.chdir(tmp_path)
    return user, shipped


def rewrite(bundle: Bundle, **changes) -> None:
    """Change entries of the card on disk; None removes one."""
    card = json.loads((bundle.path / "card.json").read_bytes()) | changes
    card = {k: v for k, v in card.items() if v is not None}
    (bundle.path / "card.json").write_text(json.dumps(card))


def put_weights(bundle: Bundle, data: bytes) -> None:
    """Replace the weights and make the card agree."""
    (bundle.path / "weights.npz").write_bytes(data)
    rewrite(bundle, weights_sha256=sha256(data))


# --- contents ----------------------------------------------------------------------------------


def test_the_network_of_the_paper():
    described = describe_network(weights())
    assert described["parameters"] == 71_171
    assert described["window"] == 7
    assert described["features"] == ["e1_0", "e1_90", "e2_0", "e2_90", "e3_0", "e3_90", "e4_0", "e4_90"]
    assert described["classes"] == ["none", "REP", "CSS"]
    assert len(WEIGHTS) == 10


@pytest.mark.parametrize(
    ("entry", "value", "ours"),
    [("window", 9, "7"), ("features", ["e1_0"], "'e1_90'"), ("classes", ["REP", "none", "CSS"], "['none'")],
)
def test_a_model_of_other_windows_features_or_classes_is_refused(
    bundle: Bundle, entry: str, value: object, ours: str
) -> None:
    rewrite(bundle, architecture=bundle.card["architecture"] | {entry: value})
    with pytest.raises(ModelError, match=f"the model is for {entry} ") as error:
        load_bundle(bundle.path)
    assert str(value) in str(error.value)
    assert ours in str(error.value)


def test_a_network_of_another_size_is_described(tmp_path):
    rng = np.random.default_rng(3)
    small = {n: rng.normal(size=s).astype(np.float32) for n, s in weight_shapes(8, 16).items()}
    bundle = save_bundle(tmp_path / "small", {"name": "small"}, small, SCALING)
    assert bundle.card["architecture"]["parameters"] == sum(a.size for a in small.values())
    assert "LSTM 8 " in bundle.card["architecture"]["layers"]
    assert "dense 16 " in bundle.card["architecture"]["layers"]


def test_round_trip(bundle):
    again = load_bundle(bundle.path)
    assert again.name == "made"
    assert again.sha256 == bundle.sha256
    assert again.scaling == SCALING
    for name, array in weights().items():
        np.testing.assert_array_equal(again.weights[name], array)
        assert again.weights[name].dtype == np.float32


def test_the_card_says_what_is_inside(bundle):
    card = json.loads((bundle.path / "card.json").read_bytes())
    assert card["architecture"] == describe_network(weights())
    assert card["licence"] == "none"
    assert card["scaling"]["mean"] == list(SCALING.mean)
    assert card["weights_sha256"] == sha256((bundle.path / "weights.npz").read_bytes())
    assert bundle.sha256 == sha256((bundle.path / "card.json").read_bytes())
    assert sorted(p.name for p in bundle.path.iterdir()) == ["card.json", "weights.npz"]


def test_identity_follows_content(bundle, tmp_path):
    card = {"name": "made", "licence": "none"}
    assert save_bundle(tmp_path / "again", card, weights(), SCALING).sha256 == bundle.sha256
    others = [
        save_bundle(tmp_path / "w", card, weights(2), SCALING),
        save_bundle(
            tmp_path / "s", card, weights(), Scaling(SCALING.fill, 0.002, SCALING.mean, SCALING.scale)
        ),
        save_bundle(tmp_path / "c", card | {"licence": "BSD"}, weights(), SCALING),
    ]
    assert len({bundle.sha256, *(o.sha256 for o in others)}) == 4


def test_identity_does_not_depend_on_the_order_of_the_card(bundle):
    card = json.loads((bundle.path / "card.json").read_bytes())
    (bundle.path / "card.json").write_text(json.dumps(dict(reversed(card.items()))))
    assert load_bundle(bundle.path).sha256 == bundle.sha256


def test_saving_replaces(bundle):
    again = save_bundle(bundle.path, {"name": "made"}, weights(2), SCALING)
    assert again.sha256 != bundle.sha256
    assert load_bundle(bundle.path).sha256 == again.sha256


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["card.json", "weights.npz"])
def test_missing_file(bundle, name):
    (bundle.path / name).unlink()
    with pytest.raises(ModelError, match=f"is no model bundle: .*{name} is missing") as e:
        load_bundle(bundle.path)
    assert str(bundle.path) in str(e.value)


@pytest.mark.parametrize("text", [b"{", b"", b"\xff\xfe{}"])
def test_card_that_is_not_json(bundle, text):
    (bundle.path / "card.json").write_bytes(text)
    with pytest.raises(ModelError, match=r"card\.json is not JSON: "):
        load_bundle(bundle.path)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weights_sha256": None}, "weights_sha256"),
        ({"scaling": None}, "scaling"),
        ({"scaling": {"fill": [1, 2], "mean": [], "scale": []}}, "epsilon"),
        ({"scaling": {"fill": [1, 2], "epsilon": 1, "mean": 3, "scale": []}}, "int"),
        ({"scaling": 7}, "int"),
    ],
)
def test_card_without_an_entry(bundle, changes, named):
    rewrite(bundle, **changes)
    with pytest.raises(ModelError, match=r"card\.json lacks or misnames an entry") as e:
        load_bundle(bundle.path)
    assert named in str(e.value)


def test_card_that_is_no_object(bundle):
    (bundle.path / "card.json").write_text("[1, 2]")
    with pytest.raises(ModelError, match="lacks or misnames an entry"):
        load_bundle(bundle.path)


@pytest.mark.parametrize("at", [0, 1000, -1])
def test_changed_weights(bundle, at):
    path = bundle.path / "weights.npz"
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"weights\.npz has sha256 \w{64}, its card says") as e:
        load_bundle(bundle.path)
    assert sha256(bytes(data)) in str(e.value)
    assert bundle.card["weights_sha256"] in str(e.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dense_bias": None}, r"dense_bias None instead of \(256,\)"),
        ({"dense_bias": np.zeros(255, np.float32)}, r"dense_bias \(255,\) instead of \(256,\)"),
        ({"extra": np.zeros(3, np.float32)}, r"extra \(3,\) instead of None"),
        (
            {"forward_kernel": np.zeros((256, 8), np.float32)},
            r"forward_kernel \(256, 8\) instead of \(8, 256\)",
        ),
    ],
)
def test_tensors_of_another_network(bundle, tmp_path, change, named):
    wrong = {k: v for k, v in (weights() | change).items() if v is not None}
    with pytest.raises(ModelError, match=f"these tensors are not the network's: {named}$"):
        check_weights(wrong)
    buffer = io.BytesIO()
    np.savez(buffer, **wrong)
    put_weights(bundle, buffer.getvalue())
    with pytest.raises(ModelError, match=named):
        load_bundle(bundle.path)
    with pytest.raises(ModelError, match=named):
        save_bundle(tmp_path / "other", {"name": "other"}, wrong, SCALING)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "wrong", [np.zeros(256), np.full(256, np.nan, np.float32), np.full(256, np.inf, np.float32)]
)
def test_tensors_must_be_finite_float32(wrong, tmp_path):
    with pytest.raises(ModelError, match="tensors must be finite float32; dense_bias are not"):
        save_bundle(tmp_path / "other", {"name": "other"}, weights() | {"dense_bias": wrong}, SCALING)
    assert not (tmp_path / "other").exists()


EIGHT = (1.0,) * 8


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        (EIGHT[:7], EIGHT),
        (EIGHT, EIGHT[:7]),
        (EIGHT, ()),
        ((*EIGHT, 1.0), (*EIGHT, 1.0)),
        (EIGHT, (*EIGHT[:7], 0.0)),
        (EIGHT, (*EIGHT[:7], -1.0)),
        (EIGHT, (*EIGHT[:7], np.nan)),
        ((*EIGHT[:7], np.inf), EIGHT),
    ],
)
def test_scaling_that_does_not_fit(mean, scale, tmp_path, bundle):
    wrong = Scaling((0.01, 100.0), 0.001, mean, scale)
    with pytest.raises(ModelError, match=r"scaling needs 2 fills, 8 means and 8 scales, .*; got") as e:
        check_scaling(wrong)
    assert str(mean) in str(e.value)
    assert str(scale) in str(e.value)
    with pytest.raises(ModelError, match="scaling needs"):
        save_bundle(tmp_path / "other", {"name": "other"}, weights(), wrong)
    rewrite(bundle, scaling={"fill": [0.01, 100], "epsilon": 0.001, "mean": list(mean), "scale": list(scale)})
    with pytest.raises(ModelError, match="scaling needs"):
        load_bundle(bundle.path)


class Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self):
        return Path.touch, (self.sentinel,)


def test_pickled_weights_are_not_unpickled(bundle, tmp_path):
    sentinel = tmp_path / "executed"
    buffer = io.BytesIO()
    np.savez(buffer, **weights() | {"dense_bias": np.array([Trap(sentinel)], object)})
    put_weights(bundle, buffer.getvalue())
    with pytest.raises(ValueError, match="allow_pickle=False"):
        np.load(bundle.path / "weights.npz")["dense_bias"]
    with pytest.raises((ModelError, ValueError)):
        load_bundle(bundle.path)
    assert not sentinel.exists()


@pytest.mark.parametrize("kind", ["object", "text", "empty"])
def test_weights_that_are_no_arrays(bundle, kind):
    buffer = io.BytesIO()
    np.savez(buffer, **weights() | {"dense_bias": np.array([None], object)})
    put_weights(bundle, {"object": buffer.getvalue(), "text": b"not a zip file", "empty": b""}[kind])
    with pytest.raises(ModelError, match=r"weights\.npz"):
        load_bundle(bundle.path)


@pytest.mark.parametrize(
    "entry",
    [{"mean": ["a"] * 8}, {"scale": [None] * 8}, {"fill": [0.01]}, {"fill": ["a", "b"]}, {"epsilon": "x"}],
    ids=str,
)
def test_scaling_that_is_not_numbers(bundle, entry):
    rewrite(bundle, scaling=bundle.card["scaling"] | entry)
    with pytest.raises(ModelError):
        load_bundle(bundle.path)


# --- finding models ----------------------------------------------------------------------------


def test_user_models(monkeypatch, tmp_path):
    monkeypatch.setenv("REPROCESS_MODELS", str(tmp_path))
    assert user_models() == tmp_path
    monkeypatch.delenv("REPROCESS_MODELS")
    assert user_models().parts[-2:] == ("reprocess", "models")


def test_shipped_models_hold_the_published_card_without_weights():
    folder = shipped_models() / "capannolo2022"
    card = json.loads((folder / "card.json").read_bytes())
    assert card["name"] == "capannolo2022"
    assert len(card["source"]["files"]) == 5
    assert not (folder / "weights.npz").exists()


def test_find_by_path_or_name(folders, bundle):
    user, shipped = folders
    assert find_model(str(bundle.path)) == bundle.path.resolve()
    assert find_model("made") == bundle.path.resolve()  # beside the working directory
    shutil.copytree(bundle.path, shipped / "one")
    assert find_model("one") == (shipped / "one").resolve()
    shutil.copytree(bundle.path, user / "one")
    assert find_model("one") == (user / "one").resolve()  # the user's goes first
    assert find_model("one").is_absolute()


def test_find_nothing(folders, bundle):
    user, shipped = folders
    with pytest.raises(ModelError, match=r"^there is no model 'other' \(usable: none\)$"):
        find_model("other")
    shutil.copytree(bundle.path, user / "one")
    shutil.copytree(bundle.path, shipped / "two")
    shutil.copytree(bundle.path, shipped / "card-only")
    (shipped / "card-only" / "weights.npz").unlink()
    with pytest.raises(ModelError, match=r"^there is no model 'other' \(usable: one, two\)$"):
        find_model("other")
    with pytest.raises(
        ModelError, match=r"; its weights are not part of this project, run: reprocess model fetch card-only$"
    ):
        find_model("card-only")


def test_list(folders, bundle):
    user, shipped = folders
    assert list_models() == []
    shutil.copytree(bundle.path, shipped / "b")
    (shipped / "b" / "weights.npz").unlink()
    shutil.copytree(bundle.path, shipped / "c")
    shutil.copytree(bundle.path, user / "a")
    assert [(m.name, m.usable, m.path.parent) for m in list_models()] == [
        ("a", True, user),
        ("b", False, shipped),
        ("c", True, shipped),
    ]
    shutil.copytree(bundle.path, user / "b")
    assert [(m.usable, m.path.parent) for m in list_models()][1] == (True, user)
    assert list_models()[1].card["licence"] == "none"


def test_a_damaged_card_does_not_hide_the_others(folders, bundle):
    user, _ = folders
    shutil.copytree(bundle.path, user / "good")
    (user / "bad").mkdir()
    (user / "bad" / "card.json").write_text("{")
    with pytest.raises(ModelError, match="good"):
        find_model("other")


def test_a_user_without_a_home_has_the_shipped_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("REPROCESS_MODELS", raising=False)
    for nowhere in (homeless, lambda name: Path("~/.local/share") / name):
        monkeypatch.setattr("platformdirs.user_data_path", nowhere)
        assert "simulated2026" in {m.name for m in list_models()}
        assert find_model("simulated2026").name == "simulated2026"
        with pytest.raises(ModelError, match="no home folder for models; name one: export REPROCESS_MODELS="):
            user_models()
