"""Find what a mechanical re-wrap of text leaves behind, which no linter looks for.

Run as ``python .ci/prose.py FOLDER ...``; prints each place and fails where there is one.

- a fragment of an implicitly joined string that is one word, alone on its line;
- a fragment of a joined f-string without a placeholder (F541 sees whole strings only);
- a docstring with the quotes of a joined string inside it.
"""

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

# A quote that ends a line after a space, and one that begins the next.
STRAY = re.compile(r"""[ ,]["'] *\n\s*f?["'](?=\w)""")
# Nothing but placeholders and the signs after them: a line may well be broken before these.
PLACEHOLDERS = re.compile(r"(\{.*\}\W*)+")


def joined_strings(source):
    """Yield each run of string literals that the parser joins, as a list of (line, text)."""
    lines = source.splitlines(keepends=True)
    run, depth, start = [], 0, None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = tokenize.tok_name[token.type]
        # From Python 3.12 on an f-string is several tokens, which may hold strings of their own.
        if name == "FSTRING_START":
            start = token.start if depth == 0 else start
            depth += 1
        elif name == "FSTRING_END":
            depth -= 1
            if depth == 0:
                run.append((start[0], between(lines, start, token.end)))
        elif depth == 0 and name == "STRING":
            run.append((token.start[0], token.string))
        elif depth == 0 and name not in ("NL", "COMMENT"):
            if len(run) > 1:
                yield run
            run = []


def between(lines, start, end):
    """The source from one (line, column) to another."""
    (first, column), (last, stop) = start, end
    if first == last:
        return lines[first - 1][column:stop]
    return lines[first - 1][column:] + "".join(lines[first : last - 1]) + lines[last - 1][:stop]


def places(path):
    """Yield (line, what is wrong) for one file."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    for run in joined_strings(source):
        for line, text in run:
            alone = lines[line - 1].strip().rstrip(",)]}") == text
            inside = text.lstrip("rRbBfFuU").strip("\"'").strip()
            is_word = len(inside.split()) < 2 and len(inside) < 25
            if alone and is_word and not PLACEHOLDERS.fullmatch(inside):
                yield line, f"a fragment of one word: {text}"
            if text[0] in "fF" and not re.search(r"(?<!\{)\{(?!\{)", text):
                yield line, f"an f-string without a placeholder: {text}"
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            continue
        doc = ast.get_docstring(node, clean=False)
        if doc:
            for match in STRAY.finditer(doc):
                line = node.body[0].lineno + doc[: match.start()].count("\n")
                yield line, f"a stray quote in a docstring: {match.group()!r}"


def main(folders):
    """Print every place; return 1 where there is one."""
    found = 0
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*.py")):
            for line, wrong in sorted(places(path)):
                found += 1
                print(f"{path}:{line}: {wrong}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
