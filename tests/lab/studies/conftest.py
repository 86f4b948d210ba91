"""A study of seconds: a teacher of two layers, twenty documents, five questions in each of two languages."""

import json

import pytest

import tiny_models
from opticlir.lab.studies import RunStore, compute_runs, plan_study, read_study

N_QUERIES = 5
# the first query shares a word with its document, so that BM25 finds something
ENGLISH, SWAHILI = (side[9:] + side[:9] for side in (tiny_models.ENGLISH, tiny_models.SWAHILI))
FOREIGN = {"swa": SWAHILI, "yor": tuple(text[::-1] for text in SWAHILI)}

STUDY = """
question = "Does transport teach more than pooled vectors?"
answer_if = "A difference in AP with p below .05 after Holm's correction."
baseline = "optical"
measures = ["AP", "RR@10"]
seeds = [0, 1]

[train]
batch_size = 8
words = {{n_pieces = 100, min_piece_frequency = 2}}

[[task]]
benchmark = "beir"
data = "collection"
languages.swa = {{bitext = ["swa.tsv:2"], group = "high"}}
languages.yor = {{bitext = ["yor.tsv"], group = "low"}}

[systems.optical]
train = {{method = "optical"}}

[systems.mse]
train = {{method = "mse"}}

[budget.small]
steps = 2
teacher = "{teacher}"
"""


def write(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture(scope="session")
def study_data(tmp_path_factory):
    """The data folder of the study. Not to be written to."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "collection"
    corpus = (json.dumps({"_id": f"d{at}", "title": "", "text": text}) for at, text in enumerate(ENGLISH))
    write(folder / "corpus.jsonl", *corpus)
    for language, texts in {**FOREIGN, "eng": ENGLISH}.items():
        lines = (json.dumps({"_id": f"q{at}", "text": text}) for at, text in enumerate(texts[:N_QUERIES]))
        write(folder / "queries" / f"{language}.jsonl", *lines)
    judged = (f"q{at}\td{at}\t1" for at in range(N_QUERIES))
    write(folder / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore", *judged)
    for language, texts in FOREIGN.items():
        write(
            root / f"{language}.tsv", *(f"{english}\t{text}" for english, text in zip(ENGLISH, texts, strict=True))
        )  # fmt: skip
    return root


@pytest.fixture(scope="session")
def study_text(checkpoints):
    return STUDY.format(teacher=checkpoints["plain"])


@pytest.fixture
def study_file(tmp_path, study_text):
    """Write a study: the standard one, changed by (old, new) pairs, with lines added."""

    def make(*changes, added="", name="tiny.toml"):
        text = study_text
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text + added, encoding="utf-8")
        return path

    return make


@pytest.fixture
def planned(study_data):
    """A study file as a plan."""

    def make(path, budget="small"):
        return plan_study(read_study(path), budget, study_data)

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory, study_data, study_text, checkpoints):
    """The standard study with every kind of report, computed: plan, store and failures. Not to be changed."""
    root = tmp_path_factory.mktemp("finished")
    text = study_text.replace(
        "seeds = [0, 1]",
        'seeds = [0, 1]\nreports = ["effectiveness", "gap", "geometry", "robustness", "gain"]',
    )
    (root / "tiny.toml").write_text(
        text + MORE.replace("TEACHER", str(checkpoints["plain"])), encoding="utf-8"
    )
    plan = plan_study(read_study(root / "tiny.toml"), "small", study_data)
    out = root / "out"
    failures = compute_runs(plan, out)
    return plan, RunStore(out), failures


MORE = """

[systems.word_table]
translate = "word-table"
ranking = "bm25"

[systems.structured]
translate = "structured"

[systems.ceiling]
translate = "human"

[systems.zero-shot]
model = "TEACHER"

[family.methods]
systems = ["mse"]
languages = ["swa", "yor", "all"]
measures = ["AP"]

[robustness]
typos = [0.1, 0.3]
code_switch = [0.5]
drop_diacritics = true

[gain]
system = "optical"
rivals = ["word_table", "structured"]
published = 13.7
"""
