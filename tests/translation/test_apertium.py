"""The program is played by a script: what is tested is what we give it and what we make of its answers."""

import shutil
import time
from pathlib import Path

import pytest

from opticlir.errors import SetupError
from opticlir.translation import Apertium


@pytest.fixture
def program(apertium):
    return apertium


def test_a_text_is_a_line_whatever_is_in_it(program):
    apertium = Apertium("eus-eng", program())
    assert apertium.translate_all(["ur garbia", "bi\nlerro"]) == ["UR GARBIA", "BI LERRO"]


def test_no_text_is_read_together_with_the_next(program):
    joins_lines = "awk 'NF && before { print before, $0; next } { before = NF ? $0 : \"\"; print }'"
    texts = ["ur garbia", "", "bi lerro", "hiru"]
    assert Apertium("eus-eng", program(joins_lines)).translate_all(texts) == texts


@pytest.mark.skipif(shutil.which("apertium") is None, reason="apertium is not installed")
def test_the_real_program_translates_neighbours_as_it_does_each_alone():
    try:
        apertium = Apertium("eu-en")
    except SetupError as error:
        pytest.skip(str(error))
    texts = ["Esnea eta", "gizonaren etxea ikusi dut", "Auzitegi Goreneko", "kideen buruzagia da"]
    apart = [apertium.translate_all([text])[0] for text in texts]
    assert apertium.translate_all(texts) == apart


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(
        SetupError, match=r"'no-such-program' is not installed: apt install apertium.*eus-eng"
    ):
        Apertium("eus-eng", "no-such-program")


def test_a_pair_that_is_not_there_is_named(program):
    with pytest.raises(SetupError, match=r"no pair 'hau-eng'; installed: eus-eng spa-eng swa-eng"):
        Apertium("hau-eng", program())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo broken >&2; exit 1", "failed: broken"),
        ("echo one", "failed: 1 lines for 2 texts and as many empty ones"),
    ],
)
def test_a_program_that_fails_is_told_of(program, body, message):
    with pytest.raises(SetupError, match=message):
        Apertium("eus-eng", program(body)).translate_all(["bat", "bi"])


def test_a_program_that_takes_too_long_ends_with_all_that_it_started(program, tmp_path):
    """A pair is a chain of programs, and each holds the pipes open."""
    slow = program(f"sh -c 'echo $$ > {tmp_path}/child; exec sleep 60' | cat; cat")
    begin = time.monotonic()
    with pytest.raises(
        SetupError, match=r"apertium -u eus-eng took more than 0\.5 seconds, so it was stopped"
    ):
        Apertium("eus-eng", slow, seconds=0.5).translate_all(["bat"])
    assert time.monotonic() - begin < 10
    child = Path("/proc") / (tmp_path / "child").read_text().strip()
    for _ in range(100):
        if not child.exists():
            return
        time.sleep(0.05)
    pytest.fail("a program that it started still runs")


def test_no_shell_reads_a_question(program, tmp_path):
    texts = [f"$(touch {tmp_path}/ran)", f"`touch {tmp_path}/ran`; touch {tmp_path}/ran", "-l", "--help"]
    assert Apertium("eus-eng", program("cat")).translate_all(texts) == texts
    assert not (tmp_path / "ran").exists()


def test_any_letters_in_any_locale(program, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    assert Apertium("eus-eng", program("cat")).translate_all(["ñandú 水 \U0001f600"]) == [
        "ñandú 水 \U0001f600"
    ]
