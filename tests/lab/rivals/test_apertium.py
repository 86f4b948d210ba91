"""The program is played by a script: what is tested is what we give it and what we make of its answers."""

import shutil
import stat

import pytest

from opticlir.errors import SetupError
from opticlir.lab.rivals import Apertium

SCRIPT = """#!/bin/sh
if [ "$1" = "-l" ]; then echo "  eus-eng"; echo "  spa-cat"; exit 0; fi
[ "$1" = "-u" ] && [ "$2" = "eus-eng" ] || exit 3
{body}
"""


@pytest.fixture
def program(tmp_path):
    def write(body="tr a-z A-Z"):
        path = tmp_path / "apertium"
        path.write_text(SCRIPT.format(body=body))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return write


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
    with pytest.raises(SetupError, match=r"no pair 'hau-eng'; installed: eus-eng spa-cat"):
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
