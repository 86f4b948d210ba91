"""Translators as a user names them, and searches for the translation of a question."""

import io
import json

import numpy as np
import pytest

import opticlir
import tiny_models
from opticlir.errors import ArtefactError, DataError, SettingsError, SetupError
from opticlir.search import MultilingualRetriever, Retriever
from opticlir.translation import QuestionTranslator, question_translator, question_translators

BITEXT = "".join(f"{pair.english}\t{pair.foreign}\n" for pair in tiny_models.PAIRS)


@pytest.fixture
def bitext(tmp_path):
    (tmp_path / "pairs.tsv").write_text(BITEXT)
    return tmp_path / "pairs.tsv"


class Shouting:
    def translate_all(self, texts):
        return [text.upper() for text in texts]


# ---- what a user types


def test_a_word_table_is_learned_from_bitext(bitext):
    translator = opticlir.load_translator(f"sw=word-table:{bitext}")
    assert (translator.language, translator.name) == ("swa", "word-table:pairs.tsv")
    found = translator.translate("maji safi")
    assert (found.text, found.translator) == ("water clean", "word-table:pairs.tsv")


def test_a_dictionary(tmp_path):
    (tmp_path / "words.tsv").write_text("water\tmaji\nclean\tsafi\n")
    assert (
        question_translator(f"swa=dictionary:{tmp_path / 'words.tsv'}").translate("maji safi").text
        == "water clean"
    )


def test_a_pair_of_apertium(apertium):
    apertium("tr a-z A-Z")
    found = question_translator("spa=apertium:spa-eng").translate("agua\nclara")
    assert (found.text, found.translator) == ("AGUA CLARA", "apertium:spa-eng")


@pytest.mark.parametrize("kind", ["", "seq2seq:"])
def test_a_folder_of_a_translation_model(marian, kind):
    translator = question_translator(f"hau={kind}{marian}")
    assert translator.name == "seq2seq:marian"
    assert isinstance(translator.translate("ruwa mai tsabta").text, str)


@pytest.mark.parametrize(
    "wrong",
    [
        "apertium:spa-eng",
        "spa=spa-eng",
        "spa=no/such/folder",
        "spa=",
        "spa=apertium:",
        "spa",
        "=x",
        "s=model:x",
    ],
)
def test_a_specification_that_is_none_says_which_there_are(wrong):
    with pytest.raises(
        SettingsError, match=r"expected LANGUAGE=KIND:VALUE, such as spa=apertium:spa-eng|unknown language"
    ):
        question_translator(wrong)


def test_codes_of_a_model_come_in_twos(marian):
    with pytest.raises(SettingsError, match="expected FOLDER, or FOLDER,SOURCE,TARGET"):
        question_translator(f"hau=seq2seq:{marian},hau")


def test_a_folder_that_could_run_code_is_refused(marian):
    (marian / "modeling.py").write_text("print('run')")
    with pytest.raises(ArtefactError, match="contains Python code"):
        question_translator(f"hau={marian}")


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.tsv"):
        question_translator(f"swa=word-table:{tmp_path / 'none.tsv'}")


def test_apertium_that_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"'apertium' is not installed: apt install apertium .*spa-eng"):
        question_translator("spa=apertium:spa-eng")


def test_one_translator_for_a_language(bitext):
    with pytest.raises(SettingsError, match="two translators for 'swa'"):
        question_translators([f"sw=word-table:{bitext}", f"swa=word-table:{bitext}"])


# ---- one question


def test_a_translation_is_one_line_and_never_empty():
    class Blank:
        def translate_all(self, texts):
            return [" two \n lines ", ""][: len(texts)]

    first, second = QuestionTranslator("swa", "x", Blank()).translate_all(["a", "b"])
    assert (first.text, second.text) == ("two lines", "b")


def test_the_length_of_a_question_is_bounded():
    translator = QuestionTranslator("swa", "x", Shouting())
    assert translator.translate("m" * 4000).text == "M" * 4000
    with pytest.raises(DataError, match="4,001 letters, a translator reads 4,000"):
        translator.translate("m" * 4001)


# ---- search


@pytest.fixture
def retriever(tmp_path, checkpoints):
    return Retriever.build(tiny_models.ENGLISH, checkpoints["crosslingual"], tmp_path / "index", device="cpu")


def test_the_teacher_reads_the_translation(retriever, bitext, checkpoints):
    """The answer is that of the teacher to the English question."""
    translator = question_translator(f"swa=word-table:{bitext}")
    for ranking in ("hybrid", "dense", "bm25"):
        hits = retriever.search("maji safi", 5, ranking, translator=translator, explain=ranking == "hybrid")
        assert (hits.question, hits.translation.text) == ("maji safi", "water clean")
        english = retriever.in_english.search("water clean", 5, ranking)
        assert [(hit.doc_id, hit.score) for hit in hits] == [(hit.doc_id, hit.score) for hit in english]
    assert "word-table:pairs.tsv: water clean" in repr(hits)
    assert "word-table:pairs.tsv: water clean" in hits._repr_html_()


@pytest.mark.parametrize("kind", ["plain", "native", "stanford", "pylate"])
def test_the_teacher_in_a_trained_model_reads_english_as_it_does_alone(checkpoints, tmp_path, kind):
    from opticlir.encoder import cross_lingual_model, encode_queries, english_reader, load_model, new_student

    teacher = load_model(checkpoints[kind], device="cpu")
    student = new_student(teacher)
    for weights in student.parameters():
        weights.data.mul_(1.1)
    model = cross_lingual_model(student, teacher)
    texts = ["the water is clean, is it?", "boil"]
    own = encode_queries(teacher, texts)
    for read, expected, other in zip(
        encode_queries(english_reader(model), texts), own, encode_queries(model, texts), strict=True
    ):
        np.testing.assert_allclose(read, expected, atol=1e-6)
        assert np.abs(other - expected).max() > 1e-3, "the student reads otherwise"


def test_it_follows_the_index(retriever, bitext):
    translator = question_translator(f"swa=word-table:{bitext}")
    retriever.search("maji", translator=translator)
    retriever.add([("new", "water water water")])
    assert "new" in [hit.doc_id for hit in retriever.search("maji", 30, translator=translator)]


def test_a_centred_index(tmp_path, checkpoints, bitext):
    retriever = Retriever.build(
        tiny_models.ENGLISH, checkpoints["crosslingual"], tmp_path / "centred", device="cpu", centre=True
    )
    hits = retriever.search("maji safi", translator=question_translator(f"swa=word-table:{bitext}"))
    assert len(hits) == 10


def test_many_questions_by_their_translations(retriever, bitext):
    translator = question_translator(f"swa=word-table:{bitext}")
    run = retriever.rank({"1": "maji safi", "2": "homa"}, 3, translator=translator)
    assert list(run["1"]) == [hit.doc_id for hit in retriever.search("maji safi", 3, translator=translator)]
    assert set(run) == {"1", "2"}


@pytest.fixture(scope="module")
def models(tmp_path_factory, checkpoints):
    root = tmp_path_factory.mktemp("models")
    words = {
        name: [word for text in texts for word in text.split()]
        for name, texts in (("swa", tiny_models.SWAHILI), ("hau", tiny_models.HAUSA))
    }
    return [
        tiny_models.save_trained(root / code, checkpoints["crosslingual"], **{code: words[code]})
        for code in words
    ]


def test_several_models_each_question_by_the_translator_of_its_language(tmp_path, models, bitext):
    Retriever.build(tiny_models.ENGLISH, models[0], tmp_path / "index", device="cpu")
    retriever = MultilingualRetriever.open(tmp_path / "index", models, device="cpu")
    translators = question_translators([f"swa=word-table:{bitext}"])
    hits = retriever.search("maji safi", translators=translators)
    assert (hits.language, hits.model, hits.translation.text) == ("swa", "swa", "water clean")
    with pytest.raises(SettingsError, match="no translator from 'hau': expected a question in swa or eng"):
        retriever.search("ruwa mai tsabta", translators=translators)
    with pytest.raises(SettingsError, match="a translator is for 'spa', which no model reads"):
        retriever.search("agua", translators={"spa": translators["swa"]})
    run = retriever.rank({"1": "maji safi"}, 10, translators=translators)
    assert list(run["1"]) == [hit.doc_id for hit in hits]


# ---- the command


@pytest.fixture
def search(opticlir, tmp_path, models, bitext):
    Retriever.build(tiny_models.ENGLISH, models[0], tmp_path / "index", device="cpu")

    def run(*words):
        translator = ("--translator", f"swa=word-table:{bitext}")
        return opticlir(
            "search", tmp_path / "index", "--model", models[0], *translator, "--device", "cpu", *words
        )

    return run


def test_the_translation_is_printed_under_the_question(search):
    assert search("maji safi", "-k", "1").stdout.startswith("word-table:pairs.tsv: water clean\n")
    found = json.loads(search("maji safi", "--json").stdout)
    assert found["translation"] == {"text": "water clean", "translator": "word-table:pairs.tsv"}
    assert found["query"] == "maji safi"


def test_translate_and_search_is_one_command(search, opticlir, tmp_path, models):
    found = json.loads(search("maji safi", "--by-translation", "--json").stdout)
    expected = Retriever.open(tmp_path / "index", models[0], device="cpu").in_english.search("water clean")
    assert [(hit["doc_id"], hit["score"]) for hit in found["hits"]] == [
        (hit.doc_id, hit.score) for hit in expected
    ]
    assert found["hits"] != json.loads(search("maji safi", "--json").stdout)["hits"]
    for language in ("sw", "auto"):
        assert (
            json.loads(search("maji safi", "--by-translation", "--language", language, "--json").stdout)[
                "hits"
            ]
            == (found["hits"])
        )


def test_a_run_of_translations(search, tmp_path):
    (tmp_path / "queries.tsv").write_text("1\tmaji safi\n2\thoma\n")
    words = (
        "--queries",
        tmp_path / "queries.tsv",
        "--run",
        tmp_path / "out.run",
        "-k",
        "3",
        "--by-translation",
    )
    for language in ((), ("--language", "auto")):
        assert search(*words, *language).code == 0
        lines = [line.split() for line in (tmp_path / "out.run").read_text().splitlines()]
        hits = json.loads(search("maji safi", "-k", "3", "--by-translation", "--json").stdout)["hits"]
        assert [line[2] for line in lines if line[0] == "1"] == [hit["doc_id"] for hit in hits]


def test_no_student_is_needed(opticlir, tmp_path, checkpoints, bitext):
    """An English encoder alone answers translated questions."""
    index = tmp_path / "english"
    Retriever.build(tiny_models.ENGLISH, checkpoints["plain"], index, device="cpu")
    words = ("search", index, "--model", checkpoints["plain"], "--device", "cpu", "maji safi", "--json")
    done = opticlir(*words, "--translator", f"swa=word-table:{bitext}", "--by-translation")
    assert json.loads(done.stdout)["translation"]["text"] == "water clean", done.stderr


def test_options_that_do_not_fit_are_explained(search, opticlir, tmp_path, models, bitext):
    assert "--by-translation needs --translator" in (
        opticlir("search", tmp_path / "index", "--model", models[0], "maji", "--by-translation").usage
    )
    assert "no --translator is for --language ha" in search("maji", "--language", "ha").error
    hausa = (
        "search",
        tmp_path / "index",
        "--model",
        models[1],
        "maji",
        "--translator",
        f"swa=word-table:{bitext}",
    )
    assert "the translator is for 'swa', the model reads hau" in opticlir(*hausa).error


def test_one_question_that_fails_is_an_error_of_its_own(search, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{'m' * 4001}\nmaji safi\n"))
    done = search("--by-translation")
    assert "a translator reads 4,000" in done.stderr
    assert "water clean" in done.stdout
    assert done.code == 1
