"""Translators that a test can have: a program in the place of Apertium, and a tiny translation model."""

import stat

import pytest

SCRIPT = """#!/bin/sh
if [ "$1" = "-l" ]; then echo "  eus-eng"; echo "  spa-eng"; echo "  swa-eng"; exit 0; fi
[ "$1" = "-u" ] || exit 3
{body}
"""


@pytest.fixture
def apertium(tmp_path, monkeypatch):
    """Put a program `apertium` on the path that does what `body` says, and return its path."""

    def write(body="tr a-z A-Z"):
        folder = tmp_path / "programs"
        folder.mkdir(exist_ok=True)
        path = folder / "apertium"
        path.write_text(SCRIPT.format(body=body))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder), prepend=":")
        return str(path)

    return write


@pytest.fixture
def marian(tmp_path):
    """A translation model as `opticlir lab train-translator` leaves it, without training."""
    from transformers import MarianMTModel

    import tiny_models
    from opticlir.lab.rivals.nmt import NmtConfig, _shape, _tokenizer

    config = NmtConfig(vocabulary=200, width=16, layers=1, heads=2, max_tokens=8)
    tokenizer = _tokenizer(tiny_models.PAIRS, config)
    MarianMTModel(_shape(tokenizer, config)).save_pretrained(tmp_path / "marian")
    tokenizer.save_pretrained(tmp_path / "marian")
    return tmp_path / "marian"
