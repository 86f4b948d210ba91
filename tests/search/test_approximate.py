"""An index that is searched approximately: it finds nearly what an exact search finds, whatever happened to it."""

import json
import shutil

import numpy as np
import pytest

import tiny_models
from forged_index import forged
from opticlir.encoder import load_model
from opticlir.errors import ArtefactError, SettingsError
from opticlir.records import Document, Query
from opticlir.search import ExactIndex, Retriever, gathering
from opticlir.search.estimates import fit_estimator
from opticlir.search.passages import Passage, Window
from opticlir.search.scoring import Scorer

DIM, N_TOPICS = 32, 60
TOPICS = np.random.default_rng(0).standard_normal((N_TOPICS, DIM))
WORDS = ("water", "fever", "river", "clinic", "school", "market", "rain")


@pytest.fixture
def few(monkeypatch):
    """Gather so few documents that estimates matter in a small collection."""
    monkeypatch.setattr(gathering, "FEWEST", 60)
    monkeypatch.setattr(gathering, "_PER_ROOT", 0)


def near(topics, seed):
    vectors = TOPICS[topics] + 0.5 * np.random.default_rng(seed).standard_normal((len(topics), DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def entry(number):
    topics = np.random.default_rng(number).integers(0, N_TOPICS, 6).repeat(3)
    text = f"{WORDS[number % 7]} {WORDS[number % 5]}"
    return Document(f"d{number:05}", text, "", {"number": number}), near(topics, number)


def asked(n=12):
    rng = np.random.default_rng(9)
    queries = [Query(str(number), f"{WORDS[number % 7]} unknown", "und") for number in range(n)]
    return queries, [near(rng.integers(0, N_TOPICS, 5), 10_000 + number) for number in range(n)]


def answers(index, *, exact, **options):
    return Scorer(index).rank_by_each(*asked(), k=10, exact=exact, **options)


def recall(index, **options):
    """The mean share of the exact ten that an approximate search finds, by ranking."""
    true, found = answers(index, exact=True, **options), answers(index, exact=False, **options)
    return {
        ranking: np.mean(
            [
                len(set(run[each]) & set(true[ranking][each])) / max(1, len(true[ranking][each]))
                for each in run
            ]
        )
        for ranking, run in found.items()
    }


def estimate(index, doc_id):
    live, row = index._place(index.row(doc_id))
    return live.segment.estimating.codes(slice(row, row + 1)).tobytes()


def create(path, numbers, **options):
    return ExactIndex.create(path, map(entry, numbers), encoder="e", approximate=True, **options)


@pytest.mark.parametrize(("store", "store_dim"), [("float16", None), ("int8", None), ("4bit", 16)])
def test_it_finds_nearly_all_of_the_exact_ten(few, memory_path, store, store_dim):
    index = create(memory_path / "index", range(400), store=store, store_dim=store_dim)
    found = recall(index)
    assert found["dense"] >= 0.85
    assert found["hybrid"] >= 0.85
    assert found["bm25"] == 1
    assert index.stats().search == "approximate"
    index.verify()


def test_scores_are_exact_and_explanations_agree(few, memory_path):
    index = create(memory_path / "index", range(300))
    queries, tokens = asked(1)
    (scored,) = Scorer(index).scored(queries, tokens, ["hybrid"])
    rows, scores = scored.found("hybrid", 10)
    assert [scored.parts(row).hybrid for row in rows.tolist()] == pytest.approx(scores.tolist(), abs=1e-12)
    rows, scores = scored.found("dense", 10)
    assert scores.tolist() == index.exact_scores(tokens[0], rows.tolist()).tolist()


@pytest.mark.parametrize("n_documents", [1, 2, 71, gathering.FEWEST])
def test_a_small_collection_is_scored_completely(memory_path, n_documents):
    index = create(memory_path / "index", range(n_documents))
    assert recall(index)["dense"] == 1
    exact, found = (answers(index, exact=is_exact)["dense"] for is_exact in (True, False))
    assert {query: list(run) for query, run in exact.items()} == {
        query: list(run) for query, run in found.items()
    }


def test_changes_keep_the_estimates(few, memory_path):
    path = memory_path / "index"
    index = create(path, range(300))
    before = index.segments[0].segment.record.files["estimates.bin"]
    index = index.add(map(entry, range(300, 400))).delete([f"d{n:05}" for n in range(0, 90, 3)])
    index = index.update([entry(5), entry(1200)])
    assert index.segments[0].segment.record.files["estimates.bin"] == before
    assert recall(index)["dense"] >= 0.9
    gone = {f"d{n:05}" for n in range(0, 90, 3)}
    assert not any(gone & set(run) for run in answers(index, exact=False)["hybrid"].values())
    dense = answers(index, exact=False)["dense"]
    assert answers(ExactIndex.open(path), exact=False)["dense"] == dense
    assert answers(index.snapshot(memory_path / "copy"), exact=False)["dense"] == dense
    merged = index.optimize()  # it fits the estimator again
    assert merged.stats().segments == 1
    assert recall(merged)["dense"] >= 0.9
    merged.verify()


def test_compaction_copies_estimates(few, memory_path):
    index = create(memory_path / "index", range(240))
    for number in range(240, 247):
        index = index.add([entry(number)])
    vectors = {doc_id: estimate(index, doc_id) for doc_id in index.doc_ids}
    merged = index.delete(
        [f"d{number:05}" for number in range(0, 120, 2)]
    )  # a segment of which a fourth is gone
    assert merged.stats().tombstones == 0
    assert {doc_id: estimate(merged, doc_id) for doc_id in merged.doc_ids}.items() <= vectors.items()


def test_two_builds_are_equal_and_batches_change_nothing(few, memory_path):
    one, other = create(memory_path / "one", range(300)), create(memory_path / "other", range(300))
    assert one.manifest == other.manifest
    queries, tokens = asked()
    together = Scorer(one).rank_by_each(queries, tokens, k=10, rankings=["hybrid"])["hybrid"]
    for query, its in zip(queries, tokens, strict=True):
        alone = Scorer(one).rank_by_each([query], [its], k=10, rankings=["hybrid"])["hybrid"][query.query_id]
        assert list(alone) == list(together[query.query_id])
        assert list(alone.values()) == pytest.approx(list(together[query.query_id].values()), abs=1e-5)


def test_large_collections_take_seven_bit_copies(few, memory_path, monkeypatch):
    index = create(memory_path / "index", range(300))
    dense = answers(index, exact=False)["dense"]
    monkeypatch.setattr("opticlir.search.passage_scores._ESTIMATED", 1)
    again = ExactIndex.open(memory_path / "index")
    found = answers(again, exact=False)["dense"]
    shared = [len(set(dense[each]) & set(found[each])) for each in dense]
    assert np.mean(shared) >= 9.5
    assert recall(again)["dense"] >= 0.9


def test_a_filter_looks_further(few, memory_path):
    """Documents are gathered among those that the filter keeps, so that each filter finds ten."""
    index = create(memory_path / "index", range(400))
    allowed = index.matching("number < 100")
    assert recall(index, allowed=allowed)["dense"] >= 0.95
    assert all(len(run) == 10 for run in answers(index, exact=False, allowed=allowed)["dense"].values())


def test_a_document_is_gathered_by_its_best_passage(few, memory_path):
    def cut(number):
        document, tokens = entry(number)
        return document, iter([Passage(Window(0, 0, 5), tokens[:9]), Passage(Window(0, 5, 10), tokens[9:])])

    index = ExactIndex.create(memory_path / "index", map(cut, range(300)), encoder="e", approximate=True)
    assert index.counts["passages"] == 600
    assert recall(index)["dense"] >= 0.9
    kept = index.delete(["d00003"]).optimize()
    assert recall(kept)["dense"] >= 0.9


def test_the_size_decides_when_nobody_does(memory_path, monkeypatch):
    monkeypatch.setattr(gathering, "_MOST_EXACT", 20 * 18 * DIM)
    index = ExactIndex.create(memory_path / "index", map(entry, range(20)), encoder="e")
    assert index.stats().search == "exact"
    grown = index.add([entry(20)])  # it gives the old documents their estimates too
    assert grown.stats().search == "approximate"
    assert recall(grown)["dense"] == 1
    assert grown.delete(["d00000", "d00001"]).stats().search == "approximate"  # and it stays so
    exact = ExactIndex.create(memory_path / "exact", map(entry, range(30)), encoder="e", approximate=False)
    assert exact.add([entry(40)]).stats().search == "exact"


def test_an_index_that_is_exact_has_no_estimates(memory_path):
    index = ExactIndex.create(memory_path / "index", map(entry, range(5)), encoder="e")
    with pytest.raises(ValueError, match="is searched exactly: it has no estimates"):
        index.estimated_scores([near([1], 1)])


def test_estimates_follow_the_scores():
    rng = np.random.default_rng(1)
    tokens = np.concatenate([entry(number)[1] for number in range(300)])
    estimator = fit_estimator(tokens)
    vectors = np.concatenate(list(estimator.in_parts(tokens, np.arange(0, len(tokens) + 1, 18))))
    query = near(rng.integers(0, N_TOPICS, 5), 5)
    true = (query @ tokens.T).reshape(5, 300, 18).max(axis=2).sum(axis=0)
    estimates = (estimator.of_query(query) @ vectors.T)[0]
    assert np.corrcoef(true, estimates)[0, 1] > 0.8
    assert not estimator.of_query(query[:0]).any()
    means = tokens.reshape(300, 18, DIM).mean(axis=1) @ query.sum(axis=0)
    assert np.corrcoef(true, estimates)[0, 1] > np.corrcoef(true, means)[0, 1]  # than the mean token alone


def test_a_long_passage_is_read_in_pieces(monkeypatch):
    tokens = np.concatenate([entry(number)[1] for number in range(20)])
    estimator = fit_estimator(tokens)
    offsets = np.array([0, 200, 218, 360])
    whole = np.concatenate(list(estimator.in_parts(tokens, offsets)))
    monkeypatch.setattr("opticlir.search.estimates._CHUNK", 32)
    assert np.concatenate(list(estimator.in_parts(tokens, offsets))) == pytest.approx(whole, abs=1e-4)


FORGERIES = {
    "no training tokens": lambda folder: save(folder / "training.npy", lambda values: values[:0]),
    "training tokens of another width": lambda folder: save(folder / "training.npy", lambda values: values[:, 1:]),
    "training tokens that are no numbers": lambda folder: save(folder / "training.npy", lambda values: values * np.nan),
    "a basis with a row fewer": lambda folder: save(folder / "basis.npy", lambda values: values[1:]),
    "a basis of infinity": lambda folder: save(folder / "basis.npy", lambda values: values + np.inf),
    "a basis in half precision": lambda folder: save(folder / "basis.npy", lambda values: values.astype("f2")),
    "half of the estimates": lambda folder: cut(folder / "000001" / "estimates.bin"),
    "half of their checksums": lambda folder: cut(folder / "000001" / "estimates.sha256"),
    "no estimates in a segment": lambda folder: forget(folder, "000001/estimates.bin"),
    "half of an estimator": lambda folder: forget(folder, "basis.npy"),
    "a recall that is a text": lambda folder: record(folder, "recall", {"swa": "good"}),
    "a recall without questions": lambda folder: record(folder, "recall", {"swa": {"recall": 1.0}}),
}  # fmt: skip


def save(path, change):
    np.save(path, change(np.load(path)))


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def forget(folder, name):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"][name]
    path.write_text(json.dumps(manifest))


def record(folder, name, value):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"][name] = value
    path.write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "index"
    create(path, range(30))
    return path


@pytest.mark.parametrize("kind", FORGERIES)
def test_forged_estimates_are_refused(sound, tmp_path, kind):
    path = forged(sound, tmp_path / "index", FORGERIES[kind])
    with pytest.raises(ArtefactError) as caught:
        ExactIndex.open(path).stats()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["000001/estimates.bin", "000001/estimates.sha256", "training.npy", "basis.npy"]
)
def test_a_changed_byte_of_the_estimates_is_found(sound, tmp_path, monkeypatch, name):
    monkeypatch.setattr(gathering, "FEWEST", 1)
    path = shutil.copytree(sound, tmp_path / "index")
    (file,) = path.glob(f"versions/*/{name}")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"is not what was written|is damaged"):
        answers(ExactIndex.open(path), exact=False)
    with pytest.raises(ArtefactError):
        ExactIndex.open(path).verify()


@pytest.fixture(scope="module")
def model(checkpoints):
    return load_model(checkpoints["crosslingual"])


def test_a_build_measures_its_recall_and_a_user_that_of_a_language(model, tmp_path):
    built = Retriever.build(tiny_models.ENGLISH, model, tmp_path / "index", approximate=True)
    measured = built.stats().recall["eng"]
    assert (measured.recall, measured.documents, measured.questions) == (1.0, 20, 20)
    assert built.measure_recall(tiny_models.SWAHILI[:5], language="swa") == 1.0
    again = Retriever.open(tmp_path / "index", model)
    assert again.stats().recall.keys() == {"eng", "swa"}
    again.add(["a new document"])
    assert again.stats().recall["swa"].documents == 20
    assert again.search(tiny_models.SWAHILI[3]).hits == again.search(tiny_models.SWAHILI[3], exact=True).hits


def test_recall_is_no_question_for_an_exact_index(model, tmp_path):
    built = Retriever.build(tiny_models.ENGLISH, model, tmp_path / "index")
    with pytest.raises(SettingsError, match="the index is searched exactly, so its recall is 1"):
        built.measure_recall(["maji"], language="swa")
