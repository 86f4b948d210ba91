"""Study runs: computed once, found again by their content, shared by processes, and never lost by a kill."""

import gc
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sentence_transformers import MultiVectorEncoder

from opticlir.data import read_run
from opticlir.errors import DataError
from opticlir.evaluation import evaluate, mean_scores
from opticlir.lab.studies import RunStore, compute_runs, study_result
from opticlir.lab.studies.rankings import CLEAN_RUN
from opticlir.lab.studies.systems import (
    Bitext,
    Request,
    RunFile,
    RunsDone,
    Student,
    StudyStoppedError,
    Workspace,
    ZeroShot,
)
from opticlir.lab.studies.translated import HumanEnglish, Structured, Translation
from opticlir.storage import exclusive_lock
from opticlir.training.events import StageStarted, StepsDone


@pytest.fixture
def instant(monkeypatch):
    """Systems that rank by their seed alone, so that what surrounds them is tested in no time."""
    from opticlir.lab.studies.systems import PreparedSystem

    asked = []

    def prepare(self, request, workspace):
        asked.append(self)
        documents = [document.doc_id for document in request.task.documents]

        def rank(queries):
            return {
                query.query_id: {doc_id: float(-at) for at, doc_id in enumerate(documents)}
                for query in queries
            }

        return PreparedSystem(rank=rank, counts={"pairs": 20})

    for kind in (Student, ZeroShot, Translation, HumanEnglish, Structured, RunFile):
        monkeypatch.setattr(kind, "prepare", prepare)
    return asked


def key_by_name(plan):
    return {str(cell): cell.key for cell in plan.runs}


# what a run is


def test_a_system_has_a_run_per_language_and_seed_where_it_draws(finished):
    plan, *_ = finished
    by_arm = {}
    for cell in plan.runs:
        by_arm.setdefault(cell.name, []).append((cell.language, cell.seed))
    drawn = [("swa", 0), ("swa", 1), ("yor", 0), ("yor", 1)]
    assert by_arm["optical"] == by_arm["mse"] == drawn
    assert by_arm["word_table"] == by_arm["ceiling"] == by_arm["zero-shot"] == [("swa", None), ("yor", None)]
    assert len(set(key_by_name(plan).values())) == len(plan.runs)


def test_a_setting_changes_the_runs_that_it_decides_and_no_other(planned, study_file):
    before = key_by_name(planned(study_file()))
    after = key_by_name(planned(study_file(('method = "mse"', 'method = "mse", dropout = 0.1'))))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if name.startswith("mse")}


def test_words_that_decide_nothing_change_nothing(planned, study_file):
    before = key_by_name(planned(study_file()))
    after = planned(
        study_file(("Does transport", "Does it"), ('["AP", "RR@10"]', '["nDCG@10"]'), name="b.toml")
    )
    assert key_by_name(after) == before


def test_a_changed_byte_of_bitext_changes_the_runs_of_its_language(planned, study_file, study_data, tmp_path):
    import tiny_models

    plan = planned(study_file())
    copy = tiny_models.copy_folder(study_data, tmp_path / "data")
    (copy / "yor.tsv").write_bytes((copy / "yor.tsv").read_bytes() + b"fire\tjohn\n")
    from opticlir.lab.studies import plan_study

    after = key_by_name(plan_study(plan.study, "small", copy))
    assert {name for name, key in key_by_name(plan).items() if after[name] != key} == {
        name for name in after if "yor" in name
    }


def test_languages_of_one_file_are_learned_apart(tmp_path):
    write = (tmp_path / "both.jsonl").write_text
    write('{"eng": "water", "swa": "maji", "hau": "ruwa"}\n')
    swahili, hausa = (
        Bitext(data=tmp_path, arguments=("both.jsonl",), language=code).content() for code in ("swa", "hau")
    )
    assert swahili != hausa


def test_what_another_source_learned_is_not_taken(tmp_path, monkeypatch):
    workspace = Workspace(out=tmp_path, on_event=lambda _: None)
    old = workspace.model_folder({"train": 1}, Student)
    monkeypatch.setattr("opticlir.storage.sources.source_fingerprint", lambda _: "another")
    assert workspace.model_folder({"train": 1}, Student) != old


def test_a_dictionary_is_known_by_what_is_in_it(planned, study_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    switching = 'method = "mse", code_switching = {source = "dictionary", dictionary = "words.tsv"}'
    file = study_file(('method = "mse"', switching))
    with pytest.raises(DataError, match=r"words\.tsv: no such file, which the study names"):
        planned(file)
    (tmp_path / "words.tsv").write_text("water\tmaji\n")
    before = key_by_name(planned(file))
    (tmp_path / "words.tsv").write_text("fire\tmoto\n")
    after = key_by_name(planned(file))
    assert {name.partition(",")[0] for name in before if before[name] != after[name]} == {"mse"}


def test_fewer_questions_are_another_run(planned, study_file):
    plan = planned(study_file(("steps = 2", "steps = 2\nqueries = 3")))
    task = plan.tasks.load(plan.study.tasks[0], "swa")
    assert [query.query_id for query in task.queries] == ["q0", "q1", "q3"]
    assert task.qrels.keys() == {query.query_id for query in task.english_queries} == {"q0", "q1", "q3"}
    assert len(task.documents) == 20
    assert not set(key_by_name(plan).values()) & set(key_by_name(planned(study_file())).values())


# what is done


def test_everything_is_computed(finished):
    plan, store, failures = finished
    assert failures == []
    assert all(store.holds(cell) for cell in plan.runs)
    task = plan.tasks.load(plan.study.tasks[0], "swa")
    (ceiling,) = [cell for cell in plan.runs if (cell.name, cell.language) == ("ceiling", "swa")]
    run = read_run(store.folder(ceiling) / CLEAN_RUN)
    assert mean_scores(evaluate(run, task.qrels, ["AP"])) == {"AP": 1.0}, "its question is the document"


def test_a_student_is_trained_once_whatever_is_asked_of_it(finished, planned, study_file):
    """Reports that were added later measure the same models again, and train nothing."""
    plan, store, _ = finished
    models = list((store.out / "models").iterdir())
    events = []
    bare = planned(study_file())
    assert compute_runs(bare, store.out, on_event=events.append) == []
    assert not [event for event in events if isinstance(event, StepsDone)]
    assert list((store.out / "models").iterdir()) == models
    students = {
        cell.system.content()["train"]["method"] for cell in plan.runs if cell.name in ("optical", "mse")
    }
    assert students == {"optical", "mse"}


def test_a_run_leaves_no_model_in_memory(planned, study_file, tmp_path):
    """However seldom Python looks for garbage: a study trains a hundred times."""

    def models():
        return sum(type(each) is MultiVectorEncoder for each in gc.get_objects())

    plan = planned(study_file(("steps = 2", 'steps = 1\nseeds = [0]\nlanguages = ["swa"]')))
    gc.collect()
    gc.disable()
    try:
        before = models()
        assert compute_runs(plan, tmp_path / "out") == []
        assert models() == before
    finally:
        gc.enable()


def test_models_that_nobody_needs_can_go(planned, study_file, tmp_path):
    """Two systems ask the same student: it stays until both have."""
    by_letters = '[systems.letters]\nranking = "hybrid"\ntrain = {method = "optical"}\n[systems.mse]'
    small = ("steps = 2", 'steps = 2\nseeds = [0]\nlanguages = ["swa"]')
    plan, out = planned(study_file(("[systems.mse]", by_letters), small)), tmp_path / "out"
    there = []

    def report(event):
        if isinstance(event, RunsDone):
            there.append((event.run.partition(",")[0], len(list((out / "models").iterdir()))))

    assert compute_runs(plan, out, keep_models=False, on_event=report) == []
    assert there == [("optical", 1), ("letters", 0), ("mse", 0)]
    store, kept = RunStore(out), RunStore(tmp_path / "kept")
    compute_runs(plan, kept.out)
    assert len(list((kept.out / "models").iterdir())) == 2
    for cell in plan.runs:
        runs = [(each.folder(cell) / CLEAN_RUN).read_bytes() for each in (store, kept)]
        assert runs[0] == runs[1]


def test_a_second_run_computes_nothing(instant, planned, study_file, tmp_path):
    plan = planned(study_file())
    assert compute_runs(plan, tmp_path / "out") == []
    assert len(instant) == len(plan.runs) == 8
    events = []
    assert compute_runs(plan, tmp_path / "out", on_event=events.append) == []
    assert len(instant) == 8
    assert [event.done for event in events] == list(range(1, 9))


def test_a_damaged_run_is_made_again(instant, planned, study_file, tmp_path):
    plan = planned(study_file())
    compute_runs(plan, tmp_path / "out")
    store, cell = RunStore(tmp_path / "out"), plan.runs[3]
    run = store.folder(cell) / CLEAN_RUN
    whole = run.read_bytes()
    run.write_bytes(whole[:-1])
    assert not store.holds(cell)
    compute_runs(plan, tmp_path / "out")
    assert len(instant) == 9
    assert run.read_bytes() == whole


def test_a_bad_run_leaves_the_others(instant, planned, study_file, tmp_path, monkeypatch, caplog):
    plan = planned(study_file())
    well = Student.prepare

    def prepare(self, request, workspace):
        if self.bitext.language == "yor" and self.config.seed == 1:
            raise DataError("no such luck") if self.config.method == "mse" else RuntimeError("a bug")
        return well(self, request, workspace)

    monkeypatch.setattr(Student, "prepare", prepare)
    failures = compute_runs(plan, tmp_path / "out")
    assert {str(each.run): each.reason for each in failures} == {
        "optical, beir, yor, seed 1": "RuntimeError: a bug", "mse, beir, yor, seed 1": "no such luck",
    }  # fmt: skip
    assert "a bug" in caplog.text, "what is no condition of the world is told with its traceback"
    store = RunStore(tmp_path / "out")
    assert sum(store.holds(cell) for cell in plan.runs) == 6
    result = study_result(plan, store, failures, draws=50)
    assert [len(row.by_seed) for row in result.effectiveness if row.measure == "AP"] == [2, 2, 1, 1]


def test_a_system_that_finds_nothing_scores_nothing(planned, study_file, tmp_path, monkeypatch):
    from opticlir.lab.studies.systems import PreparedSystem

    monkeypatch.setattr(
        Student, "prepare", lambda *_: PreparedSystem(rank=lambda queries: {"q0": {}}, counts={})
    )
    typos = "[robustness]\ntypos = [0.1]\n[systems.optical]"
    reports = 'seeds = [0, 1]\nreports = ["effectiveness", "robustness"]'
    plan = planned(study_file(("seeds = [0, 1]", reports), ("[systems.optical]", typos)))
    assert compute_runs(plan, tmp_path / "out") == []
    result = study_result(plan, RunStore(tmp_path / "out"), [], draws=50)
    assert {row.by_seed for row in result.effectiveness} == {(0.0, 0.0)}
    assert {(row.clean, row.score, row.worst_language) for row in result.robustness} == {(0.0, 0.0, None)}
    assert len(list(tmp_path.glob("out/runs/*/clean.run"))) == 8


def test_a_run_file_without_all_questions_is_refused(planned, study_file, tmp_path, finished):
    plan, store, _ = finished
    cell = next(cell for cell in plan.runs if (cell.name, cell.language) == ("zero-shot", "swa"))
    run = (store.folder(cell) / CLEAN_RUN).read_text()
    (tmp_path / "beir.swa.run").write_text(run)
    (tmp_path / "beir.yor.run").write_text("".join(run.splitlines(keepends=True)[:20]))
    recorded = '[systems.elsewhere]\nruns = "{task}.{language}.run"\n[systems.optical]'
    short = planned(study_file(("[systems.optical]", recorded), ("[0, 1]", "[0]")))
    short = type(short)(**{**vars(short), "runs": tuple(c for c in short.runs if c.name == "elsewhere")})
    (failure,) = compute_runs(short, tmp_path / "out")
    assert "beir.yor.run lacks 4 of 5 questions of" in failure.reason
    assert (RunStore(tmp_path / "out").folder(short.runs[0]) / CLEAN_RUN).read_text() == run


# several processes, and the end of one


def test_a_run_in_other_hands_is_left_and_waited_for(instant, planned, study_file, tmp_path):
    plan = planned(study_file())
    store, cell = RunStore(tmp_path / "out"), plan.runs[0]
    waits = []
    with store.claimed(cell) as is_missing:
        assert is_missing

        def wait(seconds):
            waits.append(seconds)
            if len(waits) == 2:  # by now the other has done it
                with store.publish(cell, {}) as folder:
                    (folder / CLEAN_RUN).write_text("q0 Q0 d0 1 1.0 x\n")

        assert compute_runs(plan, tmp_path / "out", wait=wait) == []
    assert len(waits) == 2
    assert len(instant) == 7


def test_a_recorded_run_is_no_deeper_than_what_it_is_compared_with(planned, study_file, tmp_path):
    """Of equal scores the first ids stay, as in every ranking that is made here."""
    plan = planned(study_file())
    task = plan.tasks.load(plan.study.tasks[0], "swa")
    path = tmp_path / "other.run"
    path.write_text(
        "".join(
            f"q{at} Q0 {doc} 1 {score} x\n"
            for at in range(5)
            for doc, score in (("d2", 1), ("d0", 1), ("d1", 3))
        )
    )
    question = Request(task=task, ranking="dense", depth=2)
    prepared = RunFile(path=path).prepare(question, Workspace(out=tmp_path, on_event=lambda _: None))
    assert prepared.rank(task.queries[:2]) == {"q0": {"d1": 3.0, "d2": 1.0}, "q1": {"d1": 3.0, "d2": 1.0}}


def test_two_at_a_time_compute_each_cell_once(instant, planned, study_file, tmp_path):
    path = study_file()
    plans = [planned(path), planned(path)]
    with ThreadPoolExecutor(2) as both:
        found = list(
            both.map(
                lambda plan: compute_runs(plan, tmp_path / "out", wait=lambda _: time.sleep(0.01)), plans
            )
        )
    assert found == [[], []]
    assert len(instant) == 8
    store = RunStore(tmp_path / "out")
    assert all(store.holds(cell) for plan in plans for cell in plan.runs)


def test_a_model_in_other_hands_puts_its_cell_off(planned, study_file, tmp_path):
    plan = planned(study_file())
    cell = next(cell for cell in plan.runs if cell.name == "mse")
    short = type(plan)(**{**vars(plan), "runs": (cell,)})
    folder = Workspace(out=tmp_path / "out", on_event=lambda _: None).model_folder(
        cell.system.content(), Student, "opticlir.lab.training"
    )

    class WaitedError(Exception):
        pass

    def wait(seconds):
        raise WaitedError

    with exclusive_lock(folder / "model"), pytest.raises(WaitedError):
        compute_runs(short, tmp_path / "out", wait=wait)


CHILD = """
import sys
from pathlib import Path
from opticlir.lab.studies import plan_study, read_study, compute_runs
from opticlir.training.events import StepsDone
study, data, out = map(Path, sys.argv[1:])
plan = plan_study(read_study(study), "small", data)

def report(event):
    if isinstance(event, StepsDone) and event.step == 5:
        print("step", flush=True)
        sys.stdin.readline()

compute_runs(plan, out, on_event=report)
"""


def test_killed_in_the_middle_it_goes_on(planned, study_file, study_data, tmp_path, monkeypatch):
    """SIGKILL within the second training: the first cell and the checkpoint are used, and the end is the same."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3] / "src"))
    path = study_file(
        ("batch_size = 8", "batch_size = 8\ncheckpoint_steps = 1"),
        ("steps = 2", 'steps = 6\nseeds = [0]\nlanguages = ["swa"]'),
    )
    plan, out = planned(path), tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, path, study_data, out],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        try:
            assert child.stdout.readline() == "step\n"
            child.stdin.write("go on\n")
            child.stdin.flush()
            assert child.stdout.readline() == "step\n", "the second training is on its way"
        finally:
            os.kill(child.pid, signal.SIGKILL)
    store = RunStore(out)
    assert [store.holds(cell) for cell in plan.runs] == [True, False]
    assert list(out.glob("models/*/model/run/checkpoints/checkpoint-4/complete.json"))
    events = []
    assert compute_runs(plan, out, on_event=events.append) == []
    begun = {event.name for event in events if isinstance(event, StageStarted)}
    assert begun.isdisjoint({str(plan.runs[0])})
    assert str(plan.runs[1]) in begun
    compute_runs(plan, tmp_path / "unbroken")
    unbroken = RunStore(tmp_path / "unbroken")
    for cell in plan.runs:
        runs = [(each.folder(cell) / CLEAN_RUN).read_bytes() for each in (store, unbroken)]
        assert runs[0] == runs[1]


def test_sigterm_ends_the_study_not_the_run(planned, study_file, tmp_path, monkeypatch):
    from opticlir.lab.studies import systems

    plan = planned(study_file())

    def interrupted(*_, **__):
        return type("Outcome", (), {"is_finished": False})()

    monkeypatch.setattr(systems, "distil", interrupted)
    with pytest.raises(StudyStoppedError, match="run the same command to resume"):
        compute_runs(plan, tmp_path / "out")
    assert not any(RunStore(tmp_path / "out").holds(cell) for cell in plan.runs)
