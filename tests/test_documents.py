"""What documents name exists: modules, functions, files, links, targets of make; the design stays short."""

import ast
import importlib.util
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.places import REPOSITORY
from tests.test_architecture import MODULES, ROOMS

DOCUMENTS = sorted(
    path.relative_to(REPOSITORY)
    for path in (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("cluster/*.md"))
    if path.name != "CHANGELOG.md"  # which tells of what was
)
SUFFIXES = {"csv", "html", "json", "md", "nc", "npz", "png", "py", "toml", "yaml", "zarr", "parquet"}
FOLDERS = ("cluster/", "docs/", "models/", "reprocess/", "tests/")


def _text(document: Path) -> str:
    return (REPOSITORY / document).read_text()


def _members(body: list[ast.stmt]) -> set[str]:
    """Names that statements define, imported ones included."""
    names = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {name.id for t in node.targets for name in ast.walk(t) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def _known() -> set[str]:
    """Every dotted name of the package: modules, what they define, what their classes define."""
    known = set(ROOMS)
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text())
        known |= {module} | {f"{module}.{name}" for name in _members(tree.body)}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                own = {f"{node.name}.{name}" for name in _members(node.body)}
                known |= own | {f"{module}.{name}" for name in own}
    return known


KNOWN = _known()
HEADS = {*ROOMS, *(name.rpartition(".")[0].rpartition(".")[2] for name in KNOWN)} - {""}
"""What a dotted name of the package can begin with: a room, a module, a class."""


def dotted(text: str) -> set[str]:
    """Dotted names of the package in backticks; names of files and of other libraries are left out."""
    names = {
        name.removeprefix("reprocess.").removesuffix("()")
        for name in re.findall(r"`([A-Za-z_]\w*(?:\.\w+)+(?:\(\))?)`", text)
    }
    return {n for n in names if n.partition(".")[0] in HEADS and n.rpartition(".")[2] not in SUFFIXES}


def anchors(text: str) -> set[str]:
    """What links to a document's headings look like on the pages of a repository."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_are_documents_and_they_name_modules() -> None:
    assert {Path("README.md"), Path("docs/design.md"), Path("cluster/README.md")} <= set(DOCUMENTS)
    assert {"detect.rules.sparse", "work.parts", "Stages.final"} <= set.union(
        *(dotted(_text(document)) for document in DOCUMENTS)
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_names_of_the_package_exist(document: Path) -> None:
    assert not dotted(_text(document)) - KNOWN


def _foreign(tree: ast.Module) -> set[str]:
    """Names that a module imports from elsewhere."""
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    ours = [node for node in nodes if "reprocess" in str(getattr(node, "module", ""))]
    return _members([node for node in nodes if node not in ours])


@pytest.mark.parametrize("module", MODULES)
def test_names_in_docstrings_exist(module: str) -> None:
    """There the room may be left out: `parts.read_events`."""
    text = MODULES[module].read_text()
    foreign = _foreign(ast.parse(text))
    named = {
        name.removeprefix("reprocess.")
        for name in re.findall(r"(?<!`)`([A-Za-z_]\w*(?:\.\w+)+)`(?!`)", text)
        if name.rpartition(".")[2] not in SUFFIXES and name.partition(".")[0] not in foreign
    }
    assert not {name for name in named if not any(f".{known}".endswith(f".{name}") for known in KNOWN)}


def test_a_name_that_is_gone_is_found() -> None:
    text = "`work.no_such` and `Stages.none`, not `maps.exposure`, `run.json` or `dask.array`"
    assert dotted(text) - KNOWN == {"work.no_such", "Stages.none"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _text(document)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (REPOSITORY / document).parent / path if path else REPOSITORY / document
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_files_and_targets_that_are_named_exist(document: Path) -> None:
    text = _text(document)
    paths = {
        path for path in re.findall(r"`([\w./-]+)`", text) if path.startswith(FOLDERS) and "NAME" not in path
    }
    paths |= {f"{name.replace('.', '/')}.py" for name in re.findall(r"python -m (tests(?:\.\w+)+)", text)}
    assert not {path for path in paths if not (REPOSITORY / path).exists()}
    targets = set(re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4})make (\w+)", text, re.MULTILINE)) <= targets


def test_every_document_has_a_place_in_the_site() -> None:
    """`make docs` fails where a page is in no table of contents."""
    tables = re.findall(r"```{toctree}\n(.*?)```", _text(Path("docs/index.md")), re.DOTALL)
    listed = {
        (REPOSITORY / "docs" / f"{line}.md").resolve().relative_to(REPOSITORY)
        for line in "".join(tables).splitlines()
        if line and not line.startswith(":")
    }
    own = {Path("docs/index.md"), Path("docs/paper.md")}
    assert listed == set(DOCUMENTS) - own | {Path("CHANGELOG.md")}


def test_the_design_can_be_read_at_once() -> None:
    assert len(_text(Path("docs/design.md")).split()) < 3000


def _arrows(picture: str) -> list[tuple[str, str]]:
    """The picture's arrows, from and to."""
    chains = [re.sub(r"\[\([^)]+\)\]", "", line).split("-->") for line in picture.splitlines()]
    return [(a.strip(), b.strip()) for chain in chains for a, b in pairwise(chain)]


WAYS = {
    "archive": r"\bwork\.archive\b|\bopen_records\(",
    "classes": r"\brun\.classes\b|\bopen_classes\(",
    "events": r"\brun\.events\b|\bread_events\(|\bread_event_columns\(",
    "dwell": r"\brun\.dwell\b|\bread_dwell\(",
    "exposure": r"\brun\.exposure\b",
    "occurrence": r"\brun\.occurrence\b|\bread_maps\(",
}
"""How code that reads or writes these parts of WORK names them."""


def test_the_picture_shows_rooms_and_what_they_read_and_write() -> None:
    picture = "".join(re.findall(r"```mermaid\n(.*?)```", _text(Path("docs/design.md")), re.DOTALL))
    on_disk = set(re.findall(r"(\w+)\[\(", picture))
    arrows = _arrows(picture)
    assert {node for arrow in arrows for node in arrow} - on_disk <= set(ROOMS)
    assert set(WAYS) <= {node for arrow in arrows for node in arrow}
    wrong = [
        arrow
        for arrow in arrows
        for room, file in (arrow, arrow[::-1])
        if file in WAYS and not re.search(WAYS[file], _code(room))
    ]
    assert not wrong


def test_the_site_draws_the_picture_whole() -> None:
    """Every node once, an arrow for every arrow, none through a node that is not its own."""
    found = importlib.util.spec_from_file_location("diagram", REPOSITORY / "docs/diagram.py")
    assert found is not None
    assert found.loader is not None
    diagram = importlib.util.module_from_spec(found)
    found.loader.exec_module(diagram)
    for text in re.findall(r"```mermaid\n(.*?)```", _text(Path("docs/design.md")), re.DOTALL):
        arrows = _arrows(text)
        assert sorted(diagram.read(text)[2]) == sorted(arrows)
        layers, ways = diagram.ways_of(arrows)
        places = [place for layer in layers for place in layer]
        assert len(places) == len(set(places))
        assert {(way[0], way[-1]) for way in ways} == set(arrows)
        nodes = {node for arrow in arrows for node in arrow}
        assert not {place for way in ways for place in way[1:-1]} & nodes
        depth = {place: k for k, layer in enumerate(layers) for place in layer}
        assert all(depth[b] == depth[a] + 1 for way in ways for a, b in pairwise(way))
        drawn = ElementTree.fromstring(diagram.draw(text, "A & B"))  # noqa: S314  # our own
        labels = diagram.read(text)[1]
        words = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
        assert sorted(words) == sorted(labels.get(node, node) for node in nodes)


def _code(room: str) -> str:
    return "\n".join(path.read_text() for name, path in MODULES.items() if name.partition(".")[0] == room)
