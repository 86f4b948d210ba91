"""The command as its user meets it: words in; exit code, stdout and stderr out."""

import sys
from dataclasses import dataclass

import pytest

import tiny_models
from opticlir.__main__ import main


@dataclass(frozen=True)
class Done:
    code: int
    stdout: str
    stderr: str

    @property
    def error(self):
        """The one line of a command that could not do what was asked; nothing went to stdout."""
        assert (self.code, self.stdout) == (1, ""), self
        assert "Traceback" not in self.stderr
        (line,) = [each for each in self.stderr.splitlines() if each.startswith("error: ")]
        assert self.stderr.rstrip("\n").endswith(line), "the reason comes last"
        return line

    @property
    def usage(self):
        """What is said of wrong usage, on one line however the terminal breaks it."""
        assert (self.code, self.stdout) == (2, ""), self
        return " ".join(self.stderr.replace("│", " ").split())


@pytest.fixture
def opticlir(monkeypatch, capsys):
    """Run a command in this process; an exception that the command line lets through fails the test."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["opticlir", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def bitext(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(
        "".join(f"{pair.english}\t{pair.foreign}\n" for pair in tiny_models.PAIRS), encoding="utf-8"
    )
    return path


@pytest.fixture
def tree_of():
    """What a folder holds, to the byte; None where there is no folder."""

    def read(folder):
        if not folder.exists():
            return None
        return {
            str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
            for path in sorted(folder.rglob("*"))
        }

    return read
