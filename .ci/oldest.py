"""Print constraints that hold every requirement at the oldest release that setup.cfg allows.

Run as ``python .ci/oldest.py > constraints-oldest.txt``. torch alone stays where constraints.txt
has it: older ones come as several gigabytes of CUDA.
"""

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINNED = {"torch"}
# Not asked for by us, but old releases of what we ask for warn about new ones of these.
OTHERS = {"pyparsing": "3.1"}  # matplotlib 3.10
# What the tests use but do not test.
TOOLS = {"build", "codespell", "import-linter", "mypy", "ruff"}


def lower_bounds(config):
    """Name to the oldest release of everything that tests need."""
    extras = config["options.extras_require"]
    lines = config["options"]["install_requires"].splitlines()
    for extra in ("neural", "plot", "test"):
        lines += extras[extra].splitlines()
    found = {}
    for line in filter(None, map(str.strip, lines)):
        if line.startswith("%("):
            continue
        match = re.fullmatch(r"([\w-]+)>=([\d.]+)", line)
        if match is None:
            raise ValueError(f"setup.cfg must ask for name>=release, got {line!r}.")
        found[match[1]] = match[2]
    return found


def main():
    """Print the lines."""
    config = ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    bounds = lower_bounds(config) | OTHERS
    for name, release in sorted(bounds.items()):
        if name not in PINNED | TOOLS:
            print(f"{name}=={release}")
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.split("==")[0] in PINNED:
            print(line)


if __name__ == "__main__":
    main()
