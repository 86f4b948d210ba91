"""A stored result is used again only if the code that made it is the same."""

import shutil
from pathlib import Path

import pytest

import opticlir
import tiny_models
from opticlir.benchmark import cached_retriever
from opticlir.data import PairTable
from opticlir.encoder import VocabularyConfig
from opticlir.lab.studies.systems import RunFile, Student, Workspace, ZeroShot
from opticlir.lab.studies.translated import HumanEnglish, Structured, Translation
from opticlir.records import Document
from opticlir.storage import is_current, made_by, sources
from opticlir.training.teacher_cache import TeacherCache
from opticlir.training.vocabulary_cache import cached_vocabulary


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    root = tmp_path_factory.mktemp("source") / "opticlir"
    return shutil.copytree(Path(opticlir.__file__).parent, root, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def source(copied, monkeypatch):
    """The folder of a copy of our source, which the fingerprints are taken of; changes are undone."""
    monkeypatch.setattr(sources, "_ROOT", copied)
    changed = {}

    def forget():
        sources.source_fingerprint.cache_clear()

    class Source:
        def edit(self, name, edit):
            path = copied / name
            changed.setdefault(path, path.read_text(encoding="utf-8"))
            path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
            forget()

    forget()
    yield Source()
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    forget()


def add_code(text):
    return f"{text}\nADDED = 1\n"


def teacher_key(teacher, folder):
    return TeacherCache(folder, teacher).folder


def vocabulary_key(teacher, folder):
    cached_vocabulary(folder, teacher, "tiny", PairTable(tiny_models.PAIRS), VocabularyConfig(n_pieces=60))
    return {path.name for path in (folder / "vocabulary").iterdir()}


def index_key(teacher, folder):
    cached_retriever([Document("d", "water")], teacher, folder)
    return {path.name for path in (folder / "indexes").iterdir()}


def learned_key(*makers):
    def key(teacher, folder):
        return Workspace(out=folder, on_event=print).model_folder({"train": 1}, *makers)

    return key


STORES = {
    "teacher vectors": (teacher_key, ["encoder/encode.py", "encoder/routes.py", "training/teacher_shards.py"]),
    "vocabulary": (vocabulary_key, ["encoder/vocabulary.py", "encoder/alignment.py", "encoder/crosslingual.py"]),
    "index": (
        index_key,
        ["search/exact.py", "search/lexical.py", "search/tokens.py", "encoder/encode.py", "records.py"],
    ),
    "student": (
        learned_key(Student, "opticlir.lab.training"),
        ["training/losses.py", "transport/sinkhorn.py", "encoder/vocabulary.py", "lab/training/mixup.py"],
    ),
    "translations": (
        learned_key(Translation, "opticlir.lab.rivals", "opticlir.translation"),
        ["translation/apertium.py", "lab/rivals/nmt.py", "data/dictionaries.py"],
    ),
}  # fmt: skip
UNRELATED = ["cli/search.py", "errors.py", "lab/cli/study.py", "pictures/palette.py", "demo/report.py"]


@pytest.mark.parametrize(
    ("store", "name"), [(store, name) for store, (_, names) in STORES.items() for name in names]
)
def test_a_change_of_the_code_that_makes_it_misses(source, teacher, tmp_path, store, name):
    key, _ = STORES[store]
    before = key(teacher, tmp_path)
    source.edit(name, add_code)
    assert key(teacher, tmp_path) != before


@pytest.mark.parametrize("store", STORES)
def test_a_change_of_anything_else_hits(source, teacher, tmp_path, store):
    key, (name, *_) = STORES[store]
    before = key(teacher, tmp_path)
    for unrelated in UNRELATED:
        source.edit(unrelated, add_code)
    source.edit(name, lambda text: text.replace('"""', '"""Written anew. ', 1) + "\n# and a comment\n")
    assert key(teacher, tmp_path) == before


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Student, "training/losses.py"), (Student, "search/retriever.py"), (ZeroShot, "maxsim.py"),
        (RunFile, "lab/studies/rankings.py"), (RunFile, "data/trec.py"), (Translation, "translation/word_table.py"),
        (Structured, "lab/rivals/structured_queries.py"), (HumanEnglish, "search/ranking.py"),
    ],
)  # fmt: skip
def test_a_study_run_is_computed_again_after_a_change(source, kind, name, key_of_system):
    before = key_of_system(kind)
    source.edit(name, add_code)
    assert key_of_system(kind) != before


@pytest.mark.parametrize("kind", [Student, ZeroShot, RunFile, Translation, Structured, HumanEnglish])
def test_a_study_run_is_kept_after_a_change_elsewhere(source, kind, key_of_system):
    before = key_of_system(kind)
    for name in (*UNRELATED, "lab/studies/report.py", "lab/cli/study.py"):
        source.edit(name, add_code)
    assert key_of_system(kind) == before


@pytest.fixture
def key_of_system(checkpoints, tmp_path):
    """Key of the one run of a study, by the kind of its system."""
    from opticlir.lab.studies import plan_study, read_study

    data = tmp_path / "data"
    for name, text in {
        "corpus.jsonl": '{"_id": "d", "title": "", "text": "water"}\n',
        "queries/swa.jsonl": '{"_id": "q", "text": "maji"}\n{"_id": "r", "text": "moto"}\n',
        "queries/eng.jsonl": '{"_id": "q", "text": "water"}\n{"_id": "r", "text": "fire"}\n',
        "qrels/dev.tsv": "query-id\tcorpus-id\tscore\nq\td\t1\nr\td\t1\n",
    }.items():  # fmt: skip
        path = data / "collection" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (data / "swa.tsv").write_text("water\tmaji\n" * 20)
    (tmp_path / "a.run").write_text("q Q0 d 1 1.0 x\nr Q0 d 1 1.0 x\n")
    declared = {
        Student: 'train = {method = "mse"}', ZeroShot: f'model = "{checkpoints["plain"]}"', RunFile: 'runs = "a.run"',
        Translation: 'translate = "word-table"', Structured: 'translate = "structured"',
        HumanEnglish: 'translate = "human"',
    }  # fmt: skip

    def key(kind):
        (tmp_path / "study.toml").write_text(
            'question = "q"\nanswer_if = "a"\nbaseline = "one"\nseeds = [0]\n[[task]]\nbenchmark = "beir"\n'
            'data = "collection"\nlanguages.swa = {bitext = ["swa.tsv"], group = "high"}\n'
            f'[systems.one]\n{declared[kind]}\n[systems.two]\nmodel = "minilm"\n'
            f'[budget.small]\nsteps = 2\nteacher = "{checkpoints["plain"]}"\n'
        )
        run, _ = plan_study(read_study(tmp_path / "study.toml"), "small", data).runs
        assert type(run.system) is kind
        return run.key

    return key


# the fingerprint itself


def test_a_name_that_a_package_passes_on_leads_to_the_module_that_defines_it(source):
    """`from opticlir.encoder import encode_queries` does not drag the whole package in."""
    before = made_by("opticlir.training.teacher_space")
    source.edit("encoder/adapters.py", add_code)
    assert made_by("opticlir.training.teacher_space") == before
    source.edit("encoder/encode.py", add_code)
    assert made_by("opticlir.training.teacher_space") != before


def test_a_module_named_in_a_string_counts(source):
    source.edit("records.py", lambda text: text + '\nLATER = "opticlir.maxsim:maxsim"\n')
    before = made_by("opticlir.records")
    source.edit("maxsim.py", add_code)
    assert made_by("opticlir.records") != before


def test_it_does_not_depend_on_the_place_or_the_time(source, monkeypatch):
    copied = made_by("opticlir.training", "opticlir.lab")
    monkeypatch.undo()
    sources.source_fingerprint.cache_clear()
    assert made_by("opticlir.training", "opticlir.lab") == copied


def test_a_package_counts_with_all_its_modules(source):
    before = made_by("opticlir.transport.kernels")
    source.edit("transport/kernels/opening.py", add_code)
    assert made_by("opticlir.transport.kernels") != before


def test_what_is_current(source):
    made = made_by("opticlir.records", "torch")
    assert is_current(made)
    assert not is_current({})
    assert not is_current(made | {"torch": "1.0"})
    assert not is_current(made | {"opticlir.gone": "ab"})
    source.edit("records.py", add_code)
    assert not is_current(made)


def test_a_wrong_name_is_refused():
    with pytest.raises(ValueError, match=r"opticlir\.recrods: opticlir has no such module"):
        made_by("opticlir.recrods")
