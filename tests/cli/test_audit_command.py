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


def test_sentences_that_training_would_cut_are_told(files, checkpoints):
    long = "water " * 60
    (files / "long.tsv").write_text(f"{long}\tmaji\nwater\tmaji\n{long}\t{'maji ' * 600}\n", "utf-8")
    words = [f"{files}/long.tsv", "--language", "swa", "--tokenizer", str(checkpoints["plain"])]
    colbert = ["--teacher", str(checkpoints["stanford"])]
    cut = json.loads(CliRunner().invoke(alone, [*words, *colbert, "--json"]).stdout)["cut_sentences"]
    assert cut == {"n_pairs": 3, "english": 2, "foreign": 1, "english_tokens": 40, "foreign_tokens": 512}
    said = " ".join(CliRunner().invoke(alone, [*words, *colbert]).stdout.split())
    assert "2 English sides (above 40 tokens), 1 foreign sides (above 512); 3 pairs checked" in said
    assert (
        "! 2 English sides are longer than 40 tokens, 1 foreign sides longer than 512, of 3 sentence" in said
    )
    alike = json.loads(CliRunner().invoke(alone, [*words, "--json"]).stdout)["cut_sentences"]
    assert (alike["english"], alike["english_tokens"]) == (0, 512)


def test_a_stretch_of_letters_without_end_does_not_fill_the_screen(files):
    (files / "long.tsv").write_text("fire\tiná\nwater\t" + "각" * 50_000 + "\n", "utf-8")
    words = [f"{files}/long.tsv", "--language", "kor", "--tokenizer", f"{files}/tokenizer.json"]
    result = CliRunner().invoke(alone, words)
    assert result.exit_code == 0, result.output
    assert "각각" in result.stdout
    assert len(result.stdout) < 5_000


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


def test_columns_scores_and_suspects(files):
    lines = "".join(f"{n}\tsentensi {n}\tthe sentence {n}\t0.{n % 10}\n" for n in range(300))
    (files / "t.tsv").write_text(lines)
    words = [f"{files}/t.tsv", "--language", "sw", "--tokenizer", f"{files}/tokenizer.json"]
    refused = CliRunner().invoke(alone, words)
    assert isinstance(refused.exception, DataError)
    assert "--columns english=3,foreign=2,score=4" in str(refused.exception)
    chosen = [*words, "--columns", "english=3,foreign=2,score=4"]
    result = CliRunner().invoke(alone, [*chosen, "--min-score", "0.5", "--drop-suspect", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["n_pairs"] == 150
    assert found["files"][0]["n_dropped"] == {"with a score below 0.5": 150}
    assert found["suspects"] is not None
    result = CliRunner().invoke(alone, [*words, "--columns", "english=2,foreign=3,score=4"])
    assert "are the columns swapped?" in result.stdout
