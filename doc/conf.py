"""Configuration of the documentation."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

# The checkout that the pages belong to comes before any installed version.
root = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(root))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(root), os.environ.get("PYTHONPATH", "")])
)

from skbandit import __version__  # noqa: E402

project = "skbandit"
author = "The skbandit developers"
project_copyright = f"2026, {author}"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
default_role = "literal"

autosummary_generate = True
# skbandit.neural is documented where its extra is not installed, too.
autodoc_mock_imports = [name for name in ("torch", "skorch") if find_spec(name) is None]
# The template lists members itself; numpydoc's own tables would list them twice.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "doc_module": "skbandit",
    "reference_url": {"skbandit": None},
    "abort_on_example_error": True,
    "remove_config_comments": True,
    # Tables are shown, the return values of plotting calls are not.
    "capture_repr": ("_repr_html_",),
    "show_memory": False,
    "download_all_examples": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skbandit {version}"
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_copy_source = False
html_show_sourcelink = False
