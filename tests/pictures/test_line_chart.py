import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.pictures import LineChart
from opticlir.pictures.line_chart import _ticks

HOSTILE = "</svg><script>alert(1)</script>"


def parsed(markup):
    """The figure as a browser would see it; refuses markup that is not well formed."""
    return ET.fromstring(markup)


def test_a_line_by_hand():
    """440 by 220 with margins of 44, 12, 10 and 34: the end of the line lies in the upper right corner."""
    markup = LineChart("Loss", {"optical": ([0.0, 5.0, 10.0], [0.0, 1.0, 2.0])}).html()
    assert '<polyline class="line0" points="44.0,186.0 236.0,98.0 428.0,10.0"/>' in markup
    assert '<circle class="line0" cx="428.0" cy="10.0" r="3"/>' in markup
    assert ">optical 2</span>" in markup
    assert [text.text for text in parsed(markup).iter("text")] == [
        "0", "0.5", "1", "1.5", "2", "0", "2", "4", "6", "8", "10", "step"
    ]  # fmt: skip


def test_the_abscissa_has_its_name():
    markup = LineChart("x", {"a": ([0.0, 1.0], [0.0, 1.0])}, across="<layer>").html()
    assert [text.text for text in parsed(markup).iter("text")][-1] == "<layer>"


def test_values_that_are_not_finite_and_lines_without_values_are_left_out():
    chart = LineChart("x", {"a": ([1.0, 2.0, 3.0], [1.0, math.nan, math.inf]), "b": ([], [])})
    figure = parsed(chart.html())
    assert len(list(figure.iter("polyline"))) == 1
    assert "nan" not in chart.html()
    assert "b " not in "".join(figure.itertext())


def test_names_are_escaped():
    markup = LineChart(HOSTILE, {HOSTILE: ([1.0], [1.0])}).html()
    assert "<script" not in markup
    parsed(markup)


def test_a_seventh_line_takes_the_colour_of_the_first():
    markup = LineChart("x", {f"n{number}": ([0.0, 1.0], [0.0, 1.0]) for number in range(7)}).html()
    assert len(re.findall(r'<polyline class="line0"', markup)) == 2


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.0, 7.0, [0, 2, 4, 6]), (-1.0, 1.0, [-1, -0.5, 0, 0.5, 1])],
)
def test_ticks_by_hand(low, high, ticks):
    assert _ticks(low, high) == pytest.approx(ticks)


numbers = st.floats(min_value=-1e9, max_value=1e9, allow_subnormal=False)


@given(st.lists(st.tuples(st.floats(0.0, 1e7, allow_subnormal=False), numbers), max_size=20))
def test_any_values_stay_inside_the_picture(points):
    chart = LineChart("x", {"a": ([x for x, _ in points], [y for _, y in points])})
    for line in parsed(chart.html()).iter("polyline"):
        for place in line.get("points").split():
            x, y = map(float, place.split(","))
            assert 44 <= x <= 428
            assert 10 <= y <= 186
