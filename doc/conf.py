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


def write_capabilities(app):
    """Write the table of what each bandit can do, from the tags that it declares."""
    from sklearn.utils import get_tags

    from skbandit.utils.discovery import all_bandits

    columns = {
        "rewards": lambda own, inputs: own.reward.replace("_", " "),
        "learning": lambda own, inputs: own.learning,
        "merging": lambda own, inputs: own.how_it_merges,
        "policy": lambda own, inputs: own.policy,
        "arms": lambda own, inputs: own.arms,
        "location": lambda own, inputs: own.location,
        "more features": lambda own, inputs: own.adding_features,
        "fewer features": lambda own, inputs: own.dropping_features,
        "axes of contexts": lambda own, inputs: " or ".join(
            axes
            for axes, taken in (("2", inputs.two_d_array), ("3", inputs.three_d_array))
            if taken
        ),
    }
    lines = [".. csv-table::", f'   :header: "bandit", {", ".join(columns)}', ""]
    for name, kind in all_bandits():
        tags = get_tags(kind())
        path = f":class:`~{kind.__module__}.{name}`"
        cells = [column(tags.bandit_tags, tags.input_tags) for column in columns.values()]
        lines.append(f"   {', '.join([path, *cells])}")
    Path(app.srcdir, "guide", "capabilities.inc").write_text("\n".join(lines) + "\n")


def setup(app):
    """Sphinx calls this."""
    app.connect("builder-inited", write_capabilities)
