import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from reprocess.classifier import published as module
from reprocess.classifier.bundle import Bundle, describe_network, find_model, user_models
from reprocess.classifier.published import (
    fetch_published,
    import_published,
    published_card,
    read_tensors,
)
from reprocess.classifier.scaler import read_scaler
from reprocess.errors import ModelError
from reprocess.files import sha256
from reprocess.schema import PUBLISHED_MODEL

FILES = (
    "LSTM_scaler.joblib",
    "REPs_classifier_model/saved_model.pb",
    "REPs_classifier_model/keras_metadata.pb",
    "REPs_classifier_model/variables/variables.index",
    "REPs_classifier_model/variables/variables.data-00000-of-00001",
)


@pytest.fixture
def copy(shared: Path, tmp_path: Path) -> Path:
    """A copy of the released files that may be damaged."""
    folder = tmp_path / "released"
    shutil.copytree(shared / "published", folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of the user's models."""
    folder = tmp_path / "models"
    monkeypatch.setenv("REPROCESS_MODELS", str(folder))
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(copy: Path) -> Iterator[str]:
    """A web server on this machine that serves the copy."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(copy))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


# --- the card ----------------------------------------------------------------------------------


def test_the_shipped_card_pins_the_released_files(shared):
    card = published_card()
    assert card["name"] == PUBLISHED_MODEL == "capannolo2022"
    assert tuple(card["source"]["files"]) == FILES
    assert card["source"]["commit"] in card["source"]["base_url"]
    assert card["source"]["base_url"].startswith("https://")
    for name, expected in card["source"]["files"].items():
        assert sha256((shared / "published" / name).read_bytes()) == expected
    assert "weights_sha256" not in card
    assert "scaling" not in card


# --- import ------------------------------------------------------------------------------------


def test_import(copy, models):
    bundle = import_published(copy)
    assert bundle.path == models / "capannolo2022"
    assert bundle.name == "capannolo2022"
    assert bundle.card["architecture"] == describe_network(bundle.weights)
    assert bundle.card["citation"] == published_card()["citation"]
    assert (bundle.scaling.fill, bundle.scaling.epsilon) == ((0.01, 100.0), 0.001)
    mean, scale = read_scaler((copy / FILES[0]).read_bytes())
    assert bundle.scaling.mean == tuple(mean)
    assert bundle.scaling.scale == tuple(scale)
    assert find_model("capannolo2022") == bundle.path.resolve()
    for name, array in bundle.weights.items():
        assert np.std(array) > 0, name


def test_import_twice_gives_the_same_model(copy, models):
    first = import_published(copy)
    assert import_published(copy).sha256 == first.sha256


def test_import_under_another_name(copy, models):
    bundle = import_published(copy, "mine")
    assert bundle.path == models / "mine"
    assert bundle.name == "mine"
    assert bundle.sha256 != import_published(copy).sha256


@pytest.mark.parametrize("name", ["", "/", "a/b", "../x", ".", ".."])
def test_names_that_are_no_folder(copy, models, name):
    with pytest.raises(ModelError) as e:
        import_published(copy, name)
    assert str(e.value) == f"{name!r} cannot name a model; use a plain name without '/'"
    assert not models.exists()


@pytest.mark.parametrize("name", FILES)
def test_import_of_an_incomplete_copy(copy, models, name):
    (copy / name).unlink()
    with pytest.raises(ModelError) as e:
        import_published(copy)
    assert str(e.value) == f"{copy / name} is missing; {copy} must hold {', '.join(FILES)}"
    assert not models.exists()


def test_import_from_nowhere(tmp_path, models):
    with pytest.raises(ModelError, match=r"LSTM_scaler\.joblib is missing"):
        import_published(tmp_path / "nothing")


@pytest.mark.parametrize("name", FILES)
def test_import_of_a_changed_file(copy, models, name):
    expected = published_card()["source"]["files"][name]
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelError) as e:
        import_published(copy)
    found = sha256((copy / name).read_bytes())
    assert str(e.value) == f"{copy / name} has sha256 {found}, the released file has {expected}; refused"
    assert not models.exists()


def test_a_hostile_scaler_is_refused_before_it_is_read(copy, models, monkeypatch):
    monkeypatch.setattr(module, "read_scaler", lambda _: pytest.fail("read"))
    (copy / FILES[0]).write_bytes(b"cos\nsystem\n(Vtrue\ntR.")
    with pytest.raises(ModelError, match="refused"):
        import_published(copy)


def unpin(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the card agree with whatever is in the folder, so that the later checks are reached."""
    card = published_card()
    card["source"]["files"] = {name: sha256((folder / name).read_bytes()) for name in FILES}
    monkeypatch.setattr(module, "published_card", lambda: json.loads(json.dumps(card)))


def test_a_scaler_of_another_model(copy, models, monkeypatch):
    data = (copy / FILES[0]).read_bytes()
    _, scale = read_scaler(data)
    (copy / FILES[0]).write_bytes(data.replace(scale.tobytes(), (-scale).tobytes()))
    unpin(monkeypatch, copy)
    with pytest.raises(ModelError, match=r"scaling needs 2 fills, 8 means and 8 scales, .*; got") as e:
        import_published(copy)
    assert str(tuple((-scale).tolist())) in str(e.value)
    assert not models.exists()


# --- tensors -----------------------------------------------------------------------------------


def test_tensors_are_those_that_tensorflow_reads(copy, published: Bundle):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(copy / FILES[3]).removesuffix(".index"))
    tensors = read_tensors((copy / FILES[4]).read_bytes())
    assert list(tensors) == list(published.weights)
    assert sum(array.size for array in tensors.values()) == 71_171
    for name, array in tensors.items():
        expected = reader.get_tensor(NAMES[name] + "/.ATTRIBUTES/VARIABLE_VALUE")
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape
        assert array.tobytes() == expected.tobytes()


NAMES = {
    "forward_kernel": "variables/0",
    "forward_recurrent": "variables/1",
    "forward_bias": "variables/2",
    "backward_kernel": "variables/3",
    "backward_recurrent": "variables/4",
    "backward_bias": "variables/5",
    "dense_kernel": "layer_with_weights-1/kernel",
    "dense_bias": "layer_with_weights-1/bias",
    "softmax_kernel": "layer_with_weights-2/kernel",
    "softmax_bias": "layer_with_weights-2/bias",
}
"""What the checkpoint calls them."""

WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from reprocess.cli import main
main(sys.argv[1:])
"""


def test_import_does_without_tensorflow(copy, models, published: Bundle):
    words = ("model", "import", copy)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *words], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in (models / "capannolo2022").iterdir()}
    assert made == {path.name: path.read_bytes() for path in published.path.iterdir()}
    assert len(made) > 1


# --- fetch -------------------------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
def test_fetch(server, models, published, slash):
    bundle = fetch_published(server + slash)
    assert bundle.path == models / "capannolo2022"
    assert bundle.sha256 == published.sha256


def test_fetch_uses_the_pinned_address(server, models, monkeypatch):
    card = published_card()
    card["source"]["base_url"] = server
    monkeypatch.setattr(module, "published_card", lambda: json.loads(json.dumps(card)))
    assert fetch_published().name == "capannolo2022"


@pytest.mark.parametrize("name", FILES)
def test_fetch_of_a_file_that_is_not_there(server, copy, models, name):
    (copy / name).unlink()
    with pytest.raises(ModelError) as e:
        fetch_published(server)
    text = str(e.value)
    assert text.startswith(f"cannot download {server}/{name}: HTTP 404 ")
    assert text.endswith("; check the network, or copy the files and use: reprocess model import")
    assert not models.exists()


@pytest.mark.parametrize("content", [b"", b"<html>moved</html>"])
def test_fetch_of_something_else(server, copy, models, content):
    (copy / FILES[4]).write_bytes(content)
    expected = published_card()["source"]["files"][FILES[4]]
    with pytest.raises(
        ModelError, match=rf"has sha256 \w{{64}}, the released file has {expected}; refused"
    ) as e:
        fetch_published(server)
    assert FILES[4] in str(e.value)
    assert not models.exists()


def test_fetch_without_a_server(models, monkeypatch):
    monkeypatch.setattr("reprocess.sources.web.BACKOFF_S", 0.0)
    # Take a port and give it back: nothing listens there.
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as httpd:
        address = f"http://127.0.0.1:{httpd.server_address[1]}"
    with pytest.raises(
        ModelError, match=f"cannot download {address}/{FILES[0]}: .*check the network, or copy"
    ):
        fetch_published(address)
    assert not models.exists()


def test_fetch_from_a_folder(copy, models, published):
    assert fetch_published(str(copy)).sha256 == published.sha256


def test_fetch_from_an_address_that_is_none(models):
    with pytest.raises(ModelError, match=f"cannot download nosuch://x/{FILES[0]}: ValueError .*nosuch"):
        fetch_published("nosuch://x")


def test_fetch_keeps_an_earlier_copy_when_it_fails(server, copy, models):
    first = fetch_published(server)
    (copy / FILES[0]).write_bytes(b"other")
    with pytest.raises(ModelError, match="refused"):
        fetch_published(server)
    assert find_model("capannolo2022") == first.path.resolve()
    assert [p.name for p in user_models().iterdir()] == ["capannolo2022"]
