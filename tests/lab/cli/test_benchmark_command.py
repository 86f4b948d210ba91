"""`benchmark`: every collection in the form of its authors, one JSON object out, and what is refused."""

import json

import pytest
from safetensors.torch import load_file, save_file

import tiny_models
from opticlir.data import read_qrels, read_run
from opticlir.evaluation import evaluate, mean_scores

MEASURES = ("AP", "nDCG@10", "R@100", "RR@10")
N_QUERIES, N_DOCUMENTS = 5, 20
# the first query shares a word with its document, so that BM25 finds something
ENGLISH, SWAHILI = (side[9:] + side[:9] for side in (tiny_models.ENGLISH, tiny_models.SWAHILI))
QUERIES = [(f"q{at}", text) for at, text in enumerate(SWAHILI[:N_QUERIES])]
QUESTIONS = [(f"q{at}", text) for at, text in enumerate(ENGLISH[:N_QUERIES])]


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def squad(contexts, questions):
    """One article of SQuAD 1.1; questions there are only of the first contexts."""
    asked = [[{"id": name, "question": text, "answers": []}] for name, text in questions]
    paragraphs = [
        {"context": context, "qas": asked[at] if at < len(asked) else []}
        for at, context in enumerate(contexts)
    ]
    return json.dumps({"version": "1.1", "data": [{"title": "T", "paragraphs": paragraphs}]})


def xquad(folder):
    write(folder / "xquad.en.json", squad(ENGLISH, QUESTIONS))
    write(folder / "xquad.sw.json", squad(SWAHILI, QUERIES))


def afriqa(folder):
    def record(at):
        english, foreign = ENGLISH[at], SWAHILI[at]
        return json.dumps(
            {"id": str(at), "question_lang": foreign, "question_translated": english, "title": "",
             "context": english, "answer_pivot": {"answer_start": [0], "text": ["the"]}}
        )  # fmt: skip

    name = "gold_passages/swa/gold_span_passages.afriqa.swa.en.{}.json"
    write(folder / name.format("dev"), *map(record, range(N_QUERIES)))
    write(folder / name.format("test"), *map(record, range(N_QUERIES, N_DOCUMENTS)))


def ntrex_clir(folder):
    write(folder / "collection.tsv", *(f"d{at}\t\t{text}" for at, text in enumerate(ENGLISH)))
    write(folder / "queries.swa.tsv", *(f"{name}\t{text}" for name, text in QUERIES))
    write(folder / "queries.eng.tsv", *(f"{name}\t{text}" for name, text in QUESTIONS))
    write(folder / "qrels.txt", *(f"q{at} 0 d{at} 1" for at in range(N_QUERIES)))


def beir(folder):
    corpus = enumerate(ENGLISH)
    write(
        folder / "corpus.jsonl",
        *(json.dumps({"_id": f"d{at}", "title": "", "text": text}) for at, text in corpus),
    )
    for language, queries in (("swh", QUERIES), ("eng", QUESTIONS)):
        lines = (json.dumps({"_id": name, "text": text}) for name, text in queries)
        write(folder / "queries" / f"{language}.jsonl", *lines)
    write(
        folder / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore", *(f"q{at}\td{at}\t1" for at in range(N_QUERIES))
    )  # fmt: skip


FORMS = {"xquad": xquad, "afriqa": afriqa, "ntrex-clir": ntrex_clir, "beir": beir}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder per collection, all of the same 20 sentences. Not to be written to."""
    root = tmp_path_factory.mktemp("collections")
    for name, make in FORMS.items():
        make(root / name)
    return root


@pytest.fixture
def benchmark(opticlir, data, checkpoints):
    def run(name, *words, folder=None, model=None):
        return opticlir(
            "lab", "benchmark", name, "--data", folder or data / name, "--model", model or checkpoints["crosslingual"],
            "--language", "swa", *words,
        )  # fmt: skip

    return run


def measured(done):
    assert done.code == 0, done.stderr
    return json.loads(done.stdout)


# what it says


@pytest.mark.parametrize("name", FORMS)
def test_json_of_every_collection_in_its_original_form(benchmark, name, tmp_path):
    done = measured(benchmark(name, "--json", "--runs", tmp_path / "runs"))
    assert list(done) == [
        *MEASURES, "dense", "bm25", "queries", "documents", "passages", "long_documents", "cut_documents",
        "unseen_query_words",
    ]  # fmt: skip
    assert list(done["dense"]) == list(done["bm25"]) == list(MEASURES)
    assert (done["queries"], done["documents"], done["unseen_query_words"]) == (N_QUERIES, N_DOCUMENTS, None)
    # the measures are those of the rankings that it wrote, the default one first
    judged = {query: {doc: 1} for query, doc in answers(name).items()}
    for ranking, found in {"hybrid": done, "dense": done["dense"], "bm25": done["bm25"]}.items():
        (path,) = (tmp_path / "runs").glob(f"*.{ranking}.run")
        expected = mean_scores(evaluate(read_run(path), judged, MEASURES))
        assert {measure: found[measure] for measure in MEASURES} == pytest.approx(expected)
    assert done["R@100"] == 1.0, "twenty documents are all among the first hundred"
    assert done["bm25"]["RR@10"] == 0.2, "malaria is a word of both languages, and nothing else is"


def answers(name):
    query_id, doc_id = {
        "xquad": ("q{}", "p{:03d}"), "afriqa": ("swa-dev-{}", "d{:05d}")
    }.get(name, ("q{}", "d{}"))  # fmt: skip
    return {query_id.format(at): doc_id.format(at) for at in range(N_QUERIES)}


def test_every_collection_of_the_same_texts_gives_the_same_figures(benchmark):
    found = [measured(benchmark(name, "--json")) for name in FORMS]
    assert all(each == found[0] for each in found)


def test_dense_only_puts_the_vectors_first(benchmark):
    done = measured(benchmark("beir", "--json", "--dense-only"))
    assert {measure: done[measure] for measure in MEASURES} == done["dense"]
    assert "dense" in benchmark("beir", "--dense-only").stdout.splitlines()[1]


def test_words_that_the_bitext_never_showed_are_counted(benchmark, checkpoints, tmp_path):
    model = tiny_models.copy_folder(checkpoints["crosslingual"], tmp_path / "model")
    words = {word for _, text in QUERIES for word in text.split()}
    known = sorted(words - {"malaria", "mbu"})
    write(model / "run" / "words.txt", *known)
    asked = [word for _, text in QUERIES for word in text.split()]
    share = sum(word not in known for word in asked) / len(asked)
    assert measured(benchmark("beir", "--json", model=model))["unseen_query_words"] == pytest.approx(share)
    assert f"{share:.1%} of the query words are not in the bitext" in benchmark("beir", model=model).stdout


@pytest.mark.parametrize("name", FORMS)
def test_the_ceiling_is_the_teacher_asked_in_english(benchmark, checkpoints, name):
    done = measured(benchmark(name, "--json", "--teacher", checkpoints["plain"]))
    assert done["english"]["AP"] == 1.0, "its question is the document, word for word"
    assert done["share_of_english"] == pytest.approx(done["dense"]["AP"])
    table = benchmark(name, "--teacher", checkpoints["plain"]).stdout
    assert [line.split()[0] for line in table.splitlines()[1:6]] == [
        "hybrid",
        "dense",
        "BM25,",
        "teacher,",
        "5",
    ]


def test_the_ceiling_is_over_the_queries_that_have_an_english_form(benchmark, checkpoints, data, tmp_path):
    """Those without one scored 0 for the teacher once: the same model reached more than the whole of its ceiling."""
    folder = tiny_models.copy_folder(data / "beir", tmp_path / "beir")
    english = folder / "queries" / "eng.jsonl"
    kept = english.read_text().splitlines()[:2]
    write(english, *kept)
    asked = ("--teacher", checkpoints["plain"])
    done = measured(benchmark("beir", "--json", "--runs", tmp_path / "runs", *asked, folder=folder))
    assert (done["english_queries"], done["queries"]) == (2, N_QUERIES)
    assert done["english"]["AP"] == 1.0, "as over all five"
    (path,) = (tmp_path / "runs").glob("*.dense.run")
    same = mean_scores(evaluate(read_run(path), {"q0": {"d0": 1}, "q1": {"d1": 1}}, MEASURES))
    assert done["dense_where_english"] == pytest.approx(same)
    assert done["share_of_english"] == pytest.approx(same["AP"])
    lines = benchmark("beir", *asked, folder=folder).stdout.splitlines()
    assert lines[4].startswith("teacher, English question")
    assert lines[5].startswith("dense, the same queries")
    assert "2 queries have an English form: the last two rows cover only these" in lines


def test_a_ranking_that_found_nothing_has_no_run(benchmark, tmp_path):
    queries = tmp_path / "queries.tsv"
    write(queries, *(f"{name}\tzzqx" for name, _ in QUERIES))
    done = benchmark("beir", "--queries", queries, "--runs", tmp_path / "runs", "--json")
    assert measured(done)["bm25"]["AP"] == 0.0
    assert "bm25.run: not written, bm25 found no document for any query" in done.stderr
    assert sorted(path.name.split(".")[-2] for path in (tmp_path / "runs").iterdir()) == ["dense", "hybrid"]


# what it refuses


def test_a_collection_of_files_needs_its_folder(opticlir):
    done = opticlir("lab", "benchmark", "xquad", "--model", "m", "--language", "swa")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == "error: xquad is read from files: name the folder that they are in (--data)\n"


def broken(data, tmp_path, name, file, content):
    folder = tiny_models.copy_folder(data / name, tmp_path / name)
    if content is None:
        (folder / file).unlink()
    elif callable(content):
        (folder / file).write_bytes(content((folder / file).read_bytes()))
    else:
        (folder / file).write_bytes(content)
    return folder


BROKEN = {
    "missing file": ("beir", "corpus.jsonl", None, "corpus"),
    "missing judgements": ("ntrex-clir", "qrels.txt", None, "no qrels.txt for 'swa': there is none"),
    "missing language": ("xquad", "xquad.sw.json", None, "no xquad.{language}.json for 'swa': there are eng"),
    "empty collection": ("beir", "corpus.jsonl", b"", "corpus.jsonl: the file is empty"),
    "binary file": ("ntrex-clir", "collection.tsv", b"SQLite format 3\0", "tsv:1: this looks like an SQLite"),
    "wrong column count": (
        "ntrex-clir", "collection.tsv", lambda old: old + b"d99\tx\n", "collection.tsv:21: expected 3 columns"
    ),
    "wrong columns of judgements": (
        "beir", "qrels/dev.tsv", lambda old: old + b"q1\td2\n",
        "dev.tsv:7: expected 3 columns, query-id, corpus-id, score",
    ),
    "duplicate document id": (
        "beir", "corpus.jsonl", lambda old: old + b'{"_id": "d0", "text": "x"}\n', "jsonl:21: id 'd0' is also on line 1"
    ),
    "duplicate query id": (
        "ntrex-clir", "queries.swa.tsv", lambda old: old + b"q0\tmaji\n", "queries.swa.tsv:6: id 'q0' is also on line 1"
    ),
    "invalid UTF-8": (
        "afriqa", "gold_passages/swa/gold_span_passages.afriqa.swa.en.dev.json",
        lambda old: old + b'{"question_lang": "\xff', "dev.json:6: byte 0xff at byte 20 of the line",
    ),
    "cut off": ("beir", "corpus.jsonl", lambda old: old[:-9], "corpus.jsonl:20: expected one JSON object a line"),
    "not SQuAD": ("xquad", "xquad.en.json", b'{"data": 1}', "xquad.en.json: expected SQuAD form"),
    "judgements of another collection": (
        "ntrex-clir", "qrels.txt", b"x1 0 d1 1\n", "queries and judgements share no query id: a query is 'q0'"
    ),
    "query without a token": (
        "ntrex-clir", "queries.swa.tsv", lambda old: old.replace(SWAHILI[0].encode(), "\u200b".encode()),
        "query 'q0' has no text",
    ),
    "line of more than 10 MB": (
        "beir", "corpus.jsonl", lambda old: old + b'{"_id": "' + b"x" * 10_000_000 + b'"}\n',
        "corpus.jsonl:21: the line is longer than 10000000 bytes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_collection_is_named_and_nothing_is_written(benchmark, data, tmp_path, kind):
    name, file, content, message = BROKEN[kind]
    folder = broken(data, tmp_path, name, file, content)
    assert message in benchmark(name, "--runs", tmp_path / "runs", folder=folder).error
    assert not (tmp_path / "runs").exists()


def test_mixed_line_ends_change_no_figure(benchmark, data, tmp_path):
    folder = broken(
        data, tmp_path, "ntrex-clir", "queries.swa.tsv", lambda old: old.replace(b"\n", b"\r\n", 2)
    )
    assert benchmark("ntrex-clir", "--json", folder=folder).stdout == benchmark("ntrex-clir", "--json").stdout


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("bier", [], "unknown benchmark 'bier': did you mean 'beir'? There are africlirmatrix, afriqa, beir"),
        ("beir", ["--split", "test"], "the splits in"),
        ("beir", ["--language", "hau"], "hau"),
        ("beir", ["--language", "swahili!"], "unknown language code 'swahili!'"),
        ("beir", ["--data", "nowhere"], "nowhere: no such folder, expected one with the files of beir"),
        ("beir", ["--model", "./nowhere"], "nowhere: no such model folder"),
        ("beir", ["--teacher", "./nowhere"], "nowhere: no such model folder"),
        ("beir", ["--runs", "/proc/nowhere"], "cannot write /proc/nowhere"),
    ],
)  # fmt: skip
def test_conditions_of_the_world_are_one_line(benchmark, data, name, words, message):
    assert message in benchmark(name, *words, folder=data / "beir").error


def test_runs_go_into_a_folder(benchmark, tmp_path):
    (tmp_path / "runs").write_text("x")
    assert "is a file" in benchmark("beir", "--runs", tmp_path / "runs").usage


def test_a_pickle_in_the_model_is_refused(benchmark, checkpoints, tmp_path):
    model = tiny_models.copy_folder(checkpoints["crosslingual"], tmp_path / "model")
    (model / "query_0_Transformer" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert "pytorch_model.bin: a pickled file can run code" in benchmark("beir", model=model).error


@pytest.mark.parametrize(("route", "named"), [("document", "document 'd0'"), ("query", "query 'q0'")])
def test_a_model_of_nan_is_refused_by_the_first_text_it_spoils(
    benchmark, checkpoints, tmp_path, route, named
):
    model = tiny_models.copy_folder(checkpoints["crosslingual"], tmp_path / "model")
    path = model / f"{route}_0_Transformer" / "model.safetensors"
    weights = {name: values.fill_(float("nan")) for name, values in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    (model / "opticlir.json").unlink(missing_ok=True)  # its checksums would refuse the file first
    error = benchmark("beir", "--runs", tmp_path / "runs", model=model).error
    assert f"{named}: its embedding holds NaN" in error
    assert "the model that made it is damaged" in error
    assert not (tmp_path / "runs").exists()


def test_an_english_teacher_that_finds_nothing_has_no_share(benchmark, checkpoints, monkeypatch):
    import opticlir.benchmark as module

    original = module.mean_scores
    monkeypatch.setattr(module, "mean_scores", lambda scores: dict.fromkeys(original(scores), 0.0))
    assert (
        measured(benchmark("beir", "--json", "--teacher", checkpoints["plain"]))["share_of_english"] is None
    )


def test_the_judgements_are_read_as_they_stand(data):
    assert read_qrels(data / "ntrex-clir" / "qrels.txt") == {
        q: {d: 1} for q, d in answers("ntrex-clir").items()
    }
