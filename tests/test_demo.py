"""The demo on a random teacher of two layers: what it measures, what it shows, what it uses again."""

import re
from dataclasses import replace

import pytest

from opticlir.demo import SYSTEMS, DemoConfig, DemoHit, DemoResult, Row, demo_report, run_demo
from opticlir.errors import ArtefactError
from opticlir.sample import LANGUAGES
from opticlir.training.events import Evaluated, StageStarted, StepsDone, WorkDone
from tiny_models import save_encoder, wordpiece_tokenizer


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    teacher = save_encoder(tmp_path_factory.mktemp("teacher"), wordpiece_tokenizer())
    return DemoConfig(languages=("swa", "hau"), epochs=0.1, teacher=str(teacher))


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def events():
    return []


@pytest.fixture(scope="module")
def result(config, out, events):
    return run_demo(config, out, on_event=lambda *event: events.append(event))


def test_four_systems_per_language_in_order(result):
    assert [(row.language, row.system) for row in result.headline] == [
        (language, system) for language in ("swa", "hau") for system in SYSTEMS
    ]
    for row in result.headline:
        assert row.ranking == SYSTEMS[row.system]
        assert list(row.measures) == ["AP", "nDCG@10"]
        assert all(0 < value < 1 for value in row.measures.values())


def test_beside_them_bm25_and_the_vectors_alone(result):
    others = [row for row in result.rows if row not in result.headline]
    assert [(row.system, row.ranking) for row in others] == [("bm25", "bm25"), ("opticlir", "dense")] * 2


def test_the_english_question_is_the_same_for_all(result):
    first, second = (row for row in result.headline if row.system == "english-question")
    assert first.measures == second.measures


def test_training_counts(result):
    """A step changes the vectors, so the initialised student and the trained one are not the same."""
    for language in ("swa", "hau"):
        dense = {
            row.system: row.measures
            for row in result.rows
            if (row.language, row.ranking) == (language, "dense")
        }
        assert dense["initialised"] != dense["opticlir"]


def test_one_index_for_all(result, out):
    assert len(list((out / "indexes").glob("*/CURRENT"))) == 1
    assert not list(out.glob(".initialised-*"))


def test_three_searches_at_even_distances(result):
    assert [search.language for search in result.searches] == ["swa", "swa", "hau"]
    first = result.searches[0]
    assert first.question == "Kwa nini watoto wangu walale ndani ya chandarua kila usiku?"
    assert first.english == "Why should my children sleep under a mosquito net every night?"
    assert all(len(search.hits) == 3 and search.alignment.plan.sum() > 0.9 for search in result.searches)


def test_finished_runs_are_used_again(config, out, result):
    events = []
    again = run_demo(config, out, on_event=lambda event, _: events.append(event))
    assert again.rows == result.rows
    assert again.logs == result.logs
    assert not [event for event in events if isinstance(event, StepsDone)]
    assert not [event for event in events if getattr(event, "name", None) == "encoding documents"]


def test_another_seed_wants_another_folder(config, out, result):
    with pytest.raises(ArtefactError, match="seed was 0 and is 1 now; choose another output folder"):
        run_demo(replace(config, seed=1), out)


def test_the_report_shows_it_all(result):
    page = demo_report(result)
    assert page.count('<table class="alignment">') == 3
    for chart in ("Training loss", "Held-out translations (RR)"):
        assert f'aria-label="{chart}"' in page
    assert page.count('<tr class="strong">') == 2
    for row in result.rows:
        assert f"{row.measures['AP']:.3f}" in page
    for search in result.searches:
        assert search.english in page
    for fact in ("seed", "torch", "minutes of this call", "passages"):
        assert f"<td>{fact}</td>" in page
    assert not re.search(r"https?:", page)


def test_events_say_how_far_it_is(result, events):
    assert {StageStarted, Evaluated, WorkDone} <= {type(event) for event, _ in events}
    assert {language for _, language in events} == {"swa", "hau"}


def row(system, ap, ranking=None):
    return Row("swa", system, ranking or SYSTEMS[system], {"AP": ap, "nDCG@10": ap})


def test_comparison_in_words():
    rows = (
        row("teacher-alone", 0.1),
        row("opticlir", 0.4),
        row("opticlir", 0.9, "dense"),
        row("english-question", 0.5),
    )
    shown = DemoResult(rows=rows, searches=(), logs={}, facts={}).comparisons()
    assert shown == [
        "Swahili: opticlir's AP is 0.400, 4.0 times that of the teacher alone and 80% of the English question's."
    ]


def test_a_teacher_that_finds_nothing_divides_nothing():
    rows = (row("teacher-alone", 0.0), row("opticlir", 0.4), row("english-question", 0.0))
    (sentence,) = DemoResult(rows=rows, searches=(), logs={}, facts={}).comparisons()
    assert "against 0 of the teacher alone" in sentence


@pytest.mark.parametrize(
    ("grade", "verdict"), [(2, "answers it"), (1, "helps"), (0, "does not answer it"), (None, "not judged")]
)
def test_verdicts(grade, verdict):
    assert DemoHit("d", "t", grade).verdict == verdict


def test_time_is_shared_by_the_languages():
    config = DemoConfig(minutes=6.0, seed=3)
    assert config.languages == LANGUAGES
    training = config.training("hau")
    assert (training.language, training.minutes, training.epochs, training.seed) == ("hau", 2.0, None, 3)
    assert DemoConfig().training("swa").epochs == 4.0


@pytest.mark.parametrize(
    ("languages", "message"),
    [((), "no language: expected some of swa, hau, spa"), (("swa", "yor"), "the sample has no 'yor'")],
)
def test_other_languages_are_refused(languages, message):
    with pytest.raises(ValueError, match=message):
        DemoConfig(languages=languages)


def test_the_page_of_the_demo_reads_every_language_and_english(result, config, out):
    """`--serve` opens the same index and models: a question in a language of the demo, or in English."""
    from opticlir.demo.serving import demo_engine, demo_examples

    engine = demo_engine(config, out)
    assert [each.code for each in engine.languages] == ["swa", "hau", "eng"]
    assert len(engine) == int(result.facts["passages"])
    examples = demo_examples(config)
    assert [code for code, _ in examples] == ["swa", "hau"]
    for code, question in examples:
        answer = engine.search(question, explain=True, k=2)
        assert (answer.language, answer.detected, answer.model) == (code, True, code)
        assert answer.hits[0].explanation is not None
