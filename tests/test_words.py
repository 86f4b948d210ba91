"""One word for one thing: the glossary leads to the code, and words of a private language stay away."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "opticlir"
GLOSSARY = ROOT / "docs" / "glossary.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


class Entry(NamedTuple):
    term: str
    meaning: str
    path: Path


def entries():
    rows = re.findall(
        r"^\| ([^|]+) \| (.+) \| \[[^\]]+\]\(([^)]+)\) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE
    )
    return [Entry(term, meaning, (GLOSSARY.parent / link).resolve()) for term, meaning, link in rows]


ENTRIES = entries()


def test_the_glossary_has_a_row_per_term_in_alphabetical_order():
    terms = [entry.term.casefold() for entry in ENTRIES]
    assert len(terms) >= 20
    n_rows = sum(line.startswith("| ") for line in GLOSSARY.read_text("utf-8").splitlines())
    assert len(terms) == n_rows - 1, "every row but the head names its file"
    assert len(set(terms)) == len(terms)
    assert terms == sorted(terms)
    assert not [term for term in terms if "(" in term], "a word with two meanings needs two terms"


def words_of(name):
    """`ExactIndex`, `exact_index` and `exact index` alike."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.sub(r"[_\-–.·/]", " ", spaced).casefold()


_STEM = 5
"""Letters: `correction` is found in `correct_family`."""


def described(path):
    """Names and docstrings of a module, or of the modules in a folder, in words."""
    if path.is_dir():
        return (
            words_of(path.name)
            + " ".join(words_of(each.stem) for each in path.iterdir())
            + described(path / "__init__.py")
        )
    tree = ast.parse(path.read_text("utf-8"))
    found = [path.stem]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            found += [ast.get_docstring(node) or "", getattr(node, "name", "")]
        elif isinstance(node, ast.Name | ast.arg):
            found.append(node.id if isinstance(node, ast.Name) else node.arg)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.append(str(node.value.value))
    return words_of(" ".join(found))


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.term for entry in ENTRIES])
def test_the_file_of_a_term_speaks_of_it(entry):
    assert entry.path.exists()
    text = " ".join(described(entry.path).split())
    missing = [word for word in words_of(entry.term).split() if word[:_STEM] not in text]
    assert not missing, f"{entry.path.name} does not speak of {entry.term!r}"


# ---- words that were replaced

BANNED = {
    r"levers?": "optimisation",
    r"laid[ _]together": "all-gather",
    r"by_main|main one": "rank zero",
    r"(?:a|the|each|every|first|last|newest|better|best|no) looks?|looks (?:without|at held)": "evaluation",
    r"material": "training data",
    r"recipes?": "objective and weight",
    r"_[A-Z_]*TOGETHER": "BATCH_SIZE or CHUNK",
    r"seals?|sealed": "checksum",
    r"cells?": "run, of a study",
    r"arms?": "system",
    r"forbid\w* (?:a |the )?ways?|ways? of (?:the|a) plan|whose every way": "entry, of a plan",
    r"told(?! apart)": "callback, progress",
    r"rooms?": "package, or space",
    r"run[ _]pages?": "training report",
    r"hybrid batch(?:es)?": "mixed batches",
    r"nobody": "plain English",
    r"stands? beside|stood beside": "plain English",
    r"lies": "plain English",
    r"at all": "plain English",
}  # fmt: skip
"""Private words by pattern, and what to write instead. Names in code are split into their words first."""

OLD_VOICE = {
    r"anew": "again",
    r"at hand": "available",
    r"beside": "next to, or in addition to",
    r"by lot": "at random",
    r"in the place of": "instead of",
    r"is said": "active voice",
    r"stands?(?! for)": "is",
    r"tells(?! apart)": "says, or decides",
}
"""Likewise, for packages that are rewritten in plain English."""
NOT_YET_PLAIN: set[str] = set()

ONLY_IN_THE_LABORATORY = {r"lift": "lab only", r"guided?": "lab only"}

_TABLE, _OLD = "cells of a table or matrix", "an old name, in a message that says the new one"
_QUOTED = "quoted from the rule that was declared before the study"
EXCEPTIONS = {
    ("cli/compare.py", "cells?"): _TABLE,
    ("encoder/alignment_counts.py", "cells?"): _TABLE,
    ("encoder/alignment.py", "cells?"): _TABLE,
    ("evaluation/comparison_table.py", "cells?"): _TABLE,
    ("lab/collections/xnli.py", "cells?"): _TABLE,
    ("lab/collections/xnli2.py", "cells?"): _TABLE,
    ("lab/probes/word_alignment.py", "cells?"): _TABLE,
    ("lab/studies/report.py", "cells?"): _TABLE,
    ("lab/studies/report_text.py", "cells?"): _TABLE,
    ("lab/studies/study_runs.py", "cells?"): _OLD,
    ("lab/studies/reading.py", "arms?"): _OLD,
    ("lab/training/config.py", "levers?"): _OLD,
    ("training/config.py", "levers?"): _OLD,
    ("training/config.py", "guided?"): "a setting of the laboratory, in a message that says so",
    ("docs/studies/q2-scale.md", "recipes?"): _QUOTED,
    ("docs/studies/q3-geometry.md", "lies"): _QUOTED,
    ("docs/transport.md", "cells?"): _TABLE,
    ("maxsim.py", "cells?"): _TABLE,
    ("pictures/alignment_html.py", "cells?"): _TABLE,
    ("pictures/alignment_png.py", "cells?"): _TABLE,
    ("pictures/alignment_terminal.py", "cells?"): _TABLE,
    ("pictures/report.py", "cells?"): _TABLE,
}
"""By file and pattern, with the reason."""


def texts_of(path):
    """Lines of a page; strings and names of a module, each with its line number."""
    if path.suffix == ".md":
        yield from enumerate(path.read_text("utf-8").splitlines(), start=1)
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())
        elif isinstance(node, ast.Name | ast.Attribute | ast.arg | ast.FunctionDef | ast.ClassDef):
            name = next(getattr(node, key) for key in ("id", "attr", "arg", "name") if hasattr(node, key))
            yield node.lineno, name if name.isupper() else words_of(name)


def findings(paths, banned):
    for path in paths:
        where = str(path.relative_to(ROOT))
        for pattern, instead in banned.items():
            if (where.removeprefix("src/opticlir/"), pattern) in EXCEPTIONS:
                continue
            expression = re.compile(
                rf"(?<![\w-])(?:{pattern})(?![\w-])", 0 if "[A-Z" in pattern else re.IGNORECASE
            )
            for line, text in texts_of(path):
                if found := expression.search(text):
                    yield f"{where}:{line}: {found[0]!r}, write {instead}: {text[:80]}"


MODULES = sorted(SOURCE.rglob("*.py"))
PRODUCT = [path for path in MODULES if SOURCE / "lab" not in path.parents]


def test_no_private_word_in_names_docstrings_help_and_messages():
    found = sorted({*findings(MODULES, BANNED), *findings(PRODUCT, ONLY_IN_THE_LABORATORY)})
    assert not found, f"{len(found)} private words:\n" + "\n".join(found)


def test_plain_english_in_rewritten_packages():
    modules = [path for path in MODULES if path.relative_to(SOURCE).parts[0] not in NOT_YET_PLAIN]
    found = sorted(findings(modules, OLD_VOICE))
    assert not found, f"{len(found)} words of the old voice:\n" + "\n".join(found)


def test_no_private_word_in_the_documents():
    found = sorted(findings(PAGES, BANNED))
    assert not found, f"{len(found)} private words:\n" + "\n".join(found)


def test_every_exception_is_needed():
    for where, pattern in EXCEPTIONS:
        path = ROOT / where if where.startswith("docs/") else SOURCE / where
        expression = re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE)
        assert any(expression.search(text) for _, text in texts_of(path)), f"{where} has no {pattern}"
