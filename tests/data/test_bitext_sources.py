from pathlib import Path

import pytest

from opticlir.data import BitextSource, bitext_sources
from opticlir.errors import SettingsError


def test_one_language_needs_not_be_said():
    assert bitext_sources(["a.tsv", "b.tsv:3"], ["swa"]) == [
        BitextSource(Path("a.tsv"), 1.0, "swa"),
        BitextSource(Path("b.tsv"), 3.0, "swa"),
    ]
    assert bitext_sources(["sw=a.tsv"], ["swa"]) == [BitextSource(Path("a.tsv"), 1.0, "swa", "sw")]


def test_a_file_with_an_equals_sign_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("hau=1.tsv").touch()
    assert bitext_sources(["hau=1.tsv", "/x=y/a.tsv"], ["swa"]) == [
        BitextSource(Path("hau=1.tsv"), 1.0, "swa"),
        BitextSource(Path("/x=y/a.tsv"), 1.0, "swa"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.tsv", "yor=b.tsv"], r"a\.tsv: with several languages, each file needs .*: hau=a\.tsv"),
        (["hau=a.tsv", "swa=b.tsv"], r"swa=b\.tsv: swa is not among the languages trained: hau, yor"),
        (["hau=a.tsv"], r"no bitext for yor: give --bitext yor=FILE"),
        (["hau=a.tsv:x", "yor=b.tsv"], r"a\.tsv:x: expected FILE or FILE:WEIGHT"),
    ],
)
def test_what_is_wrong_is_named(arguments, message):
    with pytest.raises(SettingsError, match=message):
        bitext_sources(arguments, ["hau", "yor"])
