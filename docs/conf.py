"""The documentation site: `make docs`.

The source folder is the repository: a link between documents leads to the same place here as where the
repository itself is read. Notebooks are run while the site is built, in a folder where the demonstration of
`make run` is called ``demo``; the environment variable DEMO says where it lies.
"""

import os
import shutil
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

import reprocess

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

project = "reprocess"
author = "The reprocess developers"
copyright = "The reprocess developers, BSD-3-Clause"  # noqa: A001 (Sphinx's name)
version = release = reprocess.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
root_doc = "docs/index"
include_patterns = ["*.md", "cluster/*.md", "docs/**"]
exclude_patterns = ["docs/site/**", "docs/paper.md", "docs/*.py"]
html_theme = "furo"
html_title = "reprocess"
html_extra_path = ["site"]
html_show_sourcelink = False
html_copy_source = False

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
myst_enable_extensions = ["colon_fence"]
napoleon_google_docstring = False
autodoc_typehints = "none"  # docstrings have the types, with units and shapes
autodoc_member_order = "bysource"
default_role = "py:obj"  # numpy's habit: a name in single backticks

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True


def _place() -> Path:
    """Return a new folder in which the demonstration is `demo`.

    Raises
    ------
    FileNotFoundError
        If there is no demonstration.
    """
    demo = ROOT / os.environ.get("DEMO", "demo")
    if not (demo / "work" / "runs").is_dir():
        raise FileNotFoundError(f"{demo} holds no demonstration; make it with: make run DEMO={demo}")
    place = Path(tempfile.mkdtemp(prefix="reprocess-docs-"))
    profile = place / ".ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "00.py").write_text(
        (ROOT / "docs" / "startup.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (place / "demo").mkdir()
    (place / "demo" / "archive").symlink_to(demo / "archive", target_is_directory=True)
    shutil.copytree(demo / "work", place / "demo" / "work")  # notebooks add a run and maps to it
    return place


class _Diagram(Directive):
    """A diagram, drawn while the site is built."""

    has_content, option_spec = True, {"title": str}

    def run(self) -> list[nodes.Node]:
        """Return it as a figure."""
        from diagram import draw

        title = self.options["title"]
        picture = draw("\n".join(self.content), title)
        html = f"{picture}<figcaption>{escape(title)}</figcaption>"
        return [
            nodes.raw("", f'<figure style="overflow-x: auto" tabindex="0">{html}</figure>', format="html")
        ]


def _tidy(*_: object) -> None:
    """Remove the folder in which notebooks ran."""
    shutil.rmtree(os.environ["DOCS_PLACE"])


def _give_captions_a_level(_: Sphinx, __: str, ___: str, context: dict[str, Any], *____: object) -> None:
    """Say of captions, which Sphinx makes headings, what level they have: screen readers ask for it."""
    for name in ("body", "furo_navigation_tree"):
        context[name] = context.get(name, "").replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> None:
    """Prepare what notebooks find around them."""
    place = _place()
    os.environ["DOCS_PLACE"], os.environ["IPYTHONDIR"] = str(place), str(place / ".ipython")
    app.connect("build-finished", _tidy)
    app.connect("html-page-context", _give_captions_a_level, priority=900)  # after the theme's
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    app.add_directive("mermaid", _Diagram)
