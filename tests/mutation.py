"""Changes the code in one place at a time, and counts the changes that no test notices: for `make check-deep`.

A change negates a condition, moves a number by one, swaps a comparison, or drops a call without result. The tests
of each module run against each change in a copy of the source, in a fork of this process: the large libraries are
loaded once. First the unchanged source must pass, or every change would count as noticed.

    python tests/mutation.py [--every N] [MODULE ...]
"""

import argparse
import ast
import copy
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

_SECONDS = 600
_LOADED_BEFORE = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # by the libraries
ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "opticlir"
TESTS = {
    "storage": [
        "tests/storage/test_storage.py",
        "tests/storage/test_results.py",
        "tests/storage/test_processes.py",
        "tests/search/test_received_index.py",
    ],
    "search": ["tests/search"],
    "training/run_folder.py": ["tests/training/test_run_folder.py"],
}
_SWAPPED = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
            ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}  # fmt: skip


def mutants(tree):
    """Yield copies of a module's tree with one change each, and what was changed."""
    nodes = list(ast.walk(tree))
    for place, node in enumerate(nodes):
        for change in _changes(node):
            mutant = copy.deepcopy(tree)
            changed = list(ast.walk(mutant))[place]
            change(changed)
            yield (
                mutant,
                f"line {node.lineno}: {ast.unparse(node).splitlines()[0]} -> {ast.unparse(changed)[:60]}",
            )


def _changes(node):
    if isinstance(node, ast.Compare):
        yield lambda each: each.ops.__setitem__(0, _SWAPPED[type(each.ops[0])]())
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield lambda each: setattr(each, "test", ast.UnaryOp(ast.Not(), each.test))
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield lambda each: setattr(each, "value", each.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield lambda each: setattr(each, "value", not each.value)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield lambda each: setattr(each, "value", ast.Constant(None))


def is_noticed(tests, source):
    """Whether a test fails on the changed source, or the tests do not end in time."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.path.insert(0, str(source))
        sys.dont_write_bytecode = True
        os.environ["PYTHONPATH"] = str(source)
        os.chdir(ROOT)
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *_LOADED_BEFORE, *tests])))
    for _ in range(10 * _SECONDS):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status != 0
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="files below src/opticlir; all that are known without it")
    parser.add_argument("--every", type=int, default=7, help="try each N-th change")
    options = parser.parse_args()
    for library in (
        "hypothesis",
        "jaxtyping",
        "beartype",
        "sentence_transformers",
        "torch",
        "bm25s",
        "pyarrow",
    ):
        __import__(library)
    survivors = n_tried = 0
    with tempfile.TemporaryDirectory() as folder:
        source = Path(shutil.copytree(ROOT / "src", Path(folder, "src")))
        for room, tests in TESTS.items():
            place = PACKAGE / room
            files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
            files = [
                each
                for each in files
                if str(each.relative_to(PACKAGE)) in options.modules or not options.modules
            ]
            if files and is_noticed(tests, source):
                sys.exit(f"{', '.join(tests)} do not pass on the unchanged source")
            for file in files:
                name = file.relative_to(PACKAGE)
                target = source / "opticlir" / name
                found = list(mutants(ast.parse(file.read_text())))[:: options.every]
                for mutant, change in found:
                    target.write_text(ast.unparse(ast.fix_missing_locations(mutant)))
                    n_tried += 1
                    if not is_noticed(tests, source):
                        survivors += 1
                        sys.stdout.write(f"{name} {change}\n")
                        sys.stdout.flush()
                shutil.copy(file, target)
    sys.stdout.write(f"{n_tried} changes tried, {survivors} not noticed\n")


if __name__ == "__main__":
    main()
