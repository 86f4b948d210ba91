"""The figures of a study: the same bytes each time, nothing that runs, names as they are."""

import re

import pytest

from opticlir.lab.pictures.decline import decline_picture
from opticlir.lab.pictures.forest import ForestLine, forest_picture
from opticlir.lab.pictures.scatter import Point, scatter_picture

HOSTILE = "a <b> $x$"
FOREST = [
    ForestLine(group=group, name=name, difference=at, low=at - 0.1, high=at + 0.1, is_significant=at > 0.1)
    for group in ("Hausa", HOSTILE)
    for name, at in (("mse", 0.0), (HOSTILE, 0.2))
]
POINTS = [Point(x=3e8, y=0.1, name=HOSTILE, label="deu"), Point(x=2e7, y=0.3, name="mse")]
PANELS = {
    "typos": {HOSTILE: [(0.0, 0.5), (0.1, 0.4)], "mse": [(0.0, 0.6)]},
    "words": {"mse": [(0.0, 0.6), (0.2, 0.1)]},
}
FIGURES = {
    "forest": lambda: forest_picture(FOREST, "AP"),
    "scatter": lambda: scatter_picture(POINTS, ("size", "gap"), is_log_x=True),
    "decline": lambda: decline_picture(PANELS, "AP"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_picture_and_the_same_each_time(name):
    picture = FIGURES[name]()
    assert b"<svg" in picture.data
    assert b"<script" not in picture.data
    assert FIGURES[name]().data == picture.data


def test_a_decline_is_a_png_file_too():
    assert decline_picture(PANELS, "AP", "png").data.startswith(b"\x89PNG")


def written(picture):
    """The texts of an SVG, which stand as comments beside the shapes of their letters."""
    return re.findall(r"<!-- (.*?) -->", picture.data.decode())


def test_a_forest_names_every_group_once_and_every_line():
    texts = written(forest_picture(FOREST, "AP"))
    assert [texts.count(text) for text in ("Hausa", "mse")] == [1, 2]
    assert len([text for text in texts if "$x$" in text]) == 3, "one group and a line in each"


def test_sizes_are_counted_in_powers():
    texts = written(scatter_picture(POINTS, ("size", "gap"), is_log_x=True))
    assert {"20M", "100M", "500M"} <= set(texts)
    assert "deu" in texts


def test_a_decline_has_a_panel_of_each_kind_and_one_legend():
    texts = written(decline_picture(PANELS, "AP"))
    assert [texts.count(text) for text in ("typos", "words", "mse")] == [1, 1, 1]
