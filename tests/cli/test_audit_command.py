import json
import subprocess
import sys

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from typer import Typer
from typer.testing import CliRunner

from opticlir.cli.audit import audit
from opticlir.errors import ArtefactError, DataError

alone = Typer()
alone.command()(audit)


@pytest.fixture
def files(tmp_path):
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = ["[UNK]", *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "f.tsv").write_text(
        "clean water\tomi tó mọ́\nfire\tiná\n\tx\nno\tno way, not at all, never\u202e\n", "utf-8"
    )
    (tmp_path / "q.tsv").write_text("q1\tNíbo ni omi wà?\n", "utf-8")
    return tmp_path


def run(files, *arguments):
    words = [f"{files}/f.tsv:2", "--language", "yo", "--tokenizer", f"{files}/tokenizer.json", *arguments]
    return CliRunner().invoke(alone, words)


def test_json_is_one_object(files):
    result = run(files, "--json", "--queries", str(files / "q.tsv"))
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["language"], found["n_pairs"], found["n_empty"], found["files"][0]["weight"]) == (
        "yor",
        3,
        1,
        2.0,
    )
    assert found["tokenization"]["lost_characters"][0]["becomes"] == "a"
    assert found["register"]["n_queries"] == 1


def test_the_table_says_what_there_is(files):
    result = run(files, "--queries", str(files / "q.tsv"))
    assert result.exit_code == 0, result.output
    for expected in (
        "English-Yoruba bitext",
        "f.tsv",
        "exact duplicates",
        "LATIN 100.0%",
        "ọ -> o",
        "! the tokenizer changes",
    ):
        assert expected in result.stdout
    assert "\u202e" not in result.stdout  # a text cannot turn the terminal around


def test_lenient(files):
    (files / "f.tsv").write_text("water\tomi\nbroken\n", "utf-8")
    assert isinstance(run(files).exception, DataError)
    result = run(files, "--lenient", "--json")
    assert json.loads(result.stdout)["n_malformed"] == 1


def test_a_tokenizer_that_is_none(files):
    (files / "tokenizer.json").write_text("{}")
    result = run(files)
    assert isinstance(result.exception, ArtefactError)
    assert "this tokenizer cannot be loaded" in str(result.exception)


def test_help_has_an_example_and_loads_nothing_heavy():
    result = CliRunner().invoke(alone, ["--help"])
    assert "Example: opticlir audit" in result.output
    code = (
        "import sys; import opticlir.cli.audit; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'scipy', 'tokenizers', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
