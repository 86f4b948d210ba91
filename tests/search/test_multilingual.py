"""One index and several models: each question is read by the model of its language."""

import pytest

import opticlir
import tiny_models
from opticlir.errors import ArtefactError, SettingsError
from opticlir.records import Query
from opticlir.search import MultilingualRetriever, Retriever

SWAHILI = [word for text in tiny_models.SWAHILI for word in text.split()]
HAUSA = [word for text in tiny_models.HAUSA for word in text.split()]


@pytest.fixture(scope="module")
def folders(tmp_path_factory, checkpoints):
    root, source = tmp_path_factory.mktemp("models"), checkpoints["crosslingual"]
    return {
        "swahili": tiny_models.save_trained(root / "swahili", source, swa=SWAHILI),
        "hausa": tiny_models.save_trained(root / "hausa", source, hau=HAUSA),
        "both": tiny_models.save_trained(root / "both", source, hau=HAUSA, swa=SWAHILI),
    }


@pytest.fixture(scope="module")
def index(tmp_path_factory, folders):
    folder = tmp_path_factory.mktemp("index") / "index"
    documents = [
        {"_id": str(number), "text": text, "even": number % 2 == 0}
        for number, text in enumerate(tiny_models.ENGLISH)
    ]
    Retriever.build(documents, folders["swahili"], folder)
    return folder


@pytest.fixture
def several(index, folders):
    return MultilingualRetriever.open(index, [folders["swahili"], folders["hausa"]], device="cpu")


def test_the_model_of_its_language_reads_a_question(index, folders):
    retriever = opticlir.MultilingualRetriever.open(index, [folders["swahili"], folders["hausa"]])
    for question, code, model in (("maji safi", "swa", "swahili"), ("ruwa mai tsabta", "hau", "hausa")):
        hits = retriever.search(question, k=3)
        assert (hits.language, hits.model) == (code, model)
        alone = Retriever.open(index, folders[model]).search(question, k=3)
        assert [(hit.doc_id, hit.score) for hit in hits] == [(hit.doc_id, hit.score) for hit in alone]
        assert repr(hits).startswith({"swa": "Swahili", "hau": "Hausa"}[code] + f", read by {model}\n")
    assert retriever.languages == ("swa", "hau")
    assert "20 documents, languages=swa, hau" in repr(retriever)


def test_the_language_can_be_stated(several):
    assert several.search("maji safi", language="ha").model == "hausa"
    assert several.search("ruwa", language="swh_Latn").language == "swa"
    with pytest.raises(
        SettingsError, match="no model reads the language 'yor': expected auto or one of swa, hau"
    ):
        several.search("omi", language="yor")


def test_a_model_of_several_languages_says_which_one_it_saw(index, folders):
    retriever = MultilingualRetriever.open(index, [folders["both"]])
    for question, code in (("maji safi", "swa"), ("ruwa mai tsabta", "hau")):
        hits = retriever.search(question)
        assert (hits.language, hits.model) == (code, "both")


def test_a_model_of_an_earlier_version_has_its_words_in_one_file(index, folders, checkpoints, tmp_path):
    old = tiny_models.save_trained(tmp_path / "old", checkpoints["crosslingual"], hau=HAUSA, swa=[])
    (old / "run" / "words.hau.txt").rename(old / "run" / "words.txt")
    (old / "run" / "words.swa.txt").unlink()
    retriever = MultilingualRetriever.open(index, [folders["swahili"], old])
    assert retriever.search("ruwa mai tsabta").language == "hau"
    assert retriever.search("maji safi").language == "swa"


def test_an_english_model_learns_its_words_from_the_documents(index, folders, checkpoints):
    retriever = MultilingualRetriever.open(index, [folders["swahili"], str(checkpoints["plain"])])
    assert retriever.search("boil the water").language == "eng"
    assert retriever.search("chemsha maji").language == "swa"


def test_a_run_of_many_questions_is_their_searches(several):
    texts = {"1": "maji safi", "2": "ruwa mai tsabta", "3": "mtoto ana homa"}
    run = several.rank(texts, 5)
    assert list(run) == list(texts)
    for query_id, text in texts.items():
        found = {hit.doc_id: hit.score for hit in several.search(text, 5)}
        assert run[query_id] == pytest.approx(found, abs=1e-5)
    assert several.rank([Query("1", "maji safi", "hau")], 5) == several.rank(
        [Query("1", "maji safi", "ha")], 5
    )
    with pytest.raises(SettingsError, match="no model reads the language 'yor'"):
        several.rank([Query("1", "omi", "yor")])


def test_a_filter_holds_for_every_language(several):
    for question in ("maji safi", "ruwa mai tsabta"):
        hits = several.search(question, 20, filter="even = true")
        assert [hit.doc_id for hit in hits] == [
            hit.doc_id for hit in several.search(question, 20) if int(hit.doc_id) % 2 == 0
        ]
        assert list(several.rank({"1": question}, filter="even = true")["1"]) == [hit.doc_id for hit in hits]


def test_an_explanation_takes_the_same_route(several):
    assert several.explain("maji safi", "0") == several.retrievers["swahili"].explain("maji safi", "0")


def test_two_models_of_one_name_are_refused(index, folders):
    with pytest.raises(SettingsError, match="two models have the name 'swahili': rename one of the folders"):
        MultilingualRetriever.open(index, [folders["swahili"], folders["swahili"]])
    with pytest.raises(SettingsError, match="no model is given"):
        MultilingualRetriever.open(index, [])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_of_several_models_must_have_the_document_encoder_of_the_index(
    index, folders, checkpoints, tmp_path, place
):
    """Wherever it stands among the models."""
    stranger = tiny_models.save_trained(tmp_path / "zulu", checkpoints["native"], zul=["amanzi"])
    models = [folders["swahili"], folders["hausa"]]
    models.insert(place, stranger)
    with pytest.raises(ArtefactError, match="encoder"):
        MultilingualRetriever.open(index, models)


def test_a_record_that_names_no_language_is_refused(index, checkpoints, tmp_path):
    folder = tiny_models.save_trained(tmp_path / "m", checkpoints["crosslingual"], swa=SWAHILI)
    record = folder / "run" / "run.json"
    record.write_text(record.read_text().replace('"swa"', '"?"'))
    with pytest.raises(ArtefactError, match=r"run\.json: names no language"):
        MultilingualRetriever.open(index, [folder])
