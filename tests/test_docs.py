"""The documents say what the code does: fresh reference, live links, real commands, plain sentences."""

import ast
import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import opticlir

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
GENERATED = ("cli.md", "lab-cli.md", "settings.md", "lab-settings.md")


def named(page):
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def generate():
    """The script behind `make docs`."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def commands(generate):
    """Options of every command by its full name."""
    found = {}
    for program, group in (("opticlir", generate.app), ("opticlir lab", generate.lab)):
        for name, command in generate.commands(program, group):
            _, options = generate.parameters(command.function)
            found[name] = {each for option in options for each in option.spellings} | {"--help"}
    return found


@pytest.mark.parametrize("name", GENERATED)
def test_the_generated_reference_is_fresh(generate, name):
    assert (DOCS / name).read_text(encoding="utf-8") == generate.pages()[name], (
        f"docs/{name} is stale: run `make docs`"
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def command_lines(page):
    """Calls of opticlir in the shell blocks of a page, as lists of words; a comment is no part of them."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if "opticlir" in words:
                yield words[words.index("opticlir") :]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in GENERATED], ids=named)
def test_every_command_that_a_page_shows_exists_with_its_options(page, commands):
    for words in command_lines(page):
        name = next((" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in commands), None)
        if words[1:] in ([], ["--version"], ["--help"]):
            continue
        assert name, f"there is no `{' '.join(words[:3])}`"
        unknown = {word for word in words if word.startswith("--")} - commands[name]
        assert not unknown, f"`{name}` has no {unknown}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_on_a_page_compiles_and_imports_public_names(page):
    for block in re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        for statement in ast.walk(ast.parse(block)):
            if isinstance(statement, ast.ImportFrom) and statement.module == "opticlir":
                assert {alias.name for alias in statement.names} <= set(dir(opticlir))


# ---- plain sentences

LONGEST_SENTENCE = 25
"""Words."""


def sentences(text):
    """Sentences of the prose of a page or docstring, without code, tables, headings and markup."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->|^(#|\||    |--8<--|!\[|\$\$).*?$", "\n", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^\s*([*+-]|\d+\.) ", "\n\n", text, flags=re.MULTILINE)  # an item is a paragraph
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    for paragraph in re.split(r"\n\s*\n", text):
        plain = re.sub(r"`[^`]*`", "code", " ".join(paragraph.split()))
        plain = re.sub(r"<[^>]+>|[*_]", "", plain)
        yield from (sentence for sentence in re.split(r"(?<=[.!?:;])\s+", plain) if sentence)


def long_sentences(text):
    return [sentence for sentence in sentences(text) if len(sentence.split()) > LONGEST_SENTENCE]


PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted(DOCS.glob("*.md"))]
PROSE += sorted((DOCS / "guides").glob("*.md")) + sorted((DOCS / "decisions").glob("*.md"))


@pytest.mark.parametrize("page", [page for page in PROSE if page.name not in GENERATED], ids=named)
def test_sentences_are_short(page):
    found = long_sentences(page.read_text(encoding="utf-8"))
    assert not found, f"{named(page)} has sentences of more than {LONGEST_SENTENCE} words: {found}"


SOURCE = ROOT / "src" / "opticlir"
NOT_YET_SHORT: set[str] = set()
"""Packages in which some docstrings still have longer sentences."""


def docstrings(module):
    """Each docstring of a module by its line, with the entries of sections as paragraphs and without examples."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if not isinstance(node.value.value, str):
                continue
            text = re.sub(
                r"^Example:\n(    .*\n?|\n)*", "", inspect.cleandoc(node.value.value), flags=re.MULTILINE
            )
            text = re.sub(r"^ *(\w+(?: \w+)?:) ", r"\n\n\1 ", text, flags=re.MULTILINE)
            yield node.lineno, re.sub(r"^ +", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "package", sorted({path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py")} - NOT_YET_SHORT)
)
def test_sentences_of_docstrings_are_short(package):
    modules = [SOURCE / package] if package.endswith(".py") else sorted((SOURCE / package).rglob("*.py"))
    found = [
        f"{named(module)}:{line}: {sentence}"
        for module in modules
        for line, text in docstrings(module)
        for sentence in long_sentences(text)
    ]
    assert not found, f"sentences of more than {LONGEST_SENTENCE} words:\n" + "\n".join(found)


# ---- troubleshooting

TROUBLESHOOTING = DOCS / "troubleshooting.md"


def rows_by_section():
    """(message, meaning, remedy) of each row under each heading."""
    for section in TROUBLESHOOTING.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading, *lines = section.splitlines()
        rows = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")]
        assert [cell.strip() for cell in rows[0]] == ["message", "what it means", "what to do"]
        yield heading, [[cell.strip() for cell in row] for row in rows[1:]]


def test_troubleshooting_has_one_style_and_no_message_twice():
    messages = []
    for heading, rows in rows_by_section():
        for message, meaning, remedy in rows:
            assert re.fullmatch("`[^`]+`", message), f"{message} is not one quoted message"
            assert all(cell[0].isupper() or cell[0] == "`" for cell in (meaning, remedy)), message
            assert all(cell[-1] in ".`" for cell in (meaning, remedy)), f"{message}: end with a full stop"
        order = [re.sub(r"[^\w ]+|\d+", "", message.casefold()).split() for message, *_ in rows]
        assert order == sorted(order), f"the messages under {heading!r} are not in alphabetical order"
        messages += [message for message, *_ in rows]
    assert len(messages) == len(set(messages))


def test_troubleshooting_quotes_messages_that_the_code_writes():
    """Numbers and names are examples, so two words in a row suffice."""
    strings = " ".join(
        node.value
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    strings = " ".join(re.sub("[`:]", "", strings).split())
    unknown = [
        message
        for _, rows in rows_by_section()
        for message, *_ in rows
        if not any(" ".join(words) in strings for words in _neighbours(re.sub("[`:]", "", message).split()))
    ]
    assert not unknown, f"opticlir writes no such messages: {unknown}"


def _neighbours(words):
    return [words[start : start + 2] for start in range(max(1, len(words) - 1))]


# ---- the site


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="the site needs the extra docs")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        loaded = re.findall(
            r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)', page.read_text(encoding="utf-8")
        )
        assert not loaded, f"{page.name} loads {loaded} from the network"
