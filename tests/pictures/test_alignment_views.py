"""The same plan in the terminal, as a page and as a picture; hostile texts and odd sizes in each."""

import io
import re
import sys
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from opticlir.errors import SetupError
from opticlir.pictures import (
    TokenAlignment,
    alignment_html,
    alignment_lines,
    alignment_page,
    alignment_png,
    alignment_strip,
    visible,
)

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>&\u202e'
PNG = b"\x89PNG\r\n\x1a\n"


def alignment(foreign, english, plan=None, seed=0):
    if plan is None:
        plan = np.random.default_rng(seed).random((len(foreign), len(english))) ** 6 + 1e-6
    plan = np.asarray(plan, dtype=float)
    return TokenAlignment(
        foreign=tuple(foreign), english=tuple(english), plan=plan / plan.sum(), cost=0.25, is_cut=False
    )


SMALL = alignment(("maji", "safi"), ("clean", "water", "."), [[0, 0.9, 0.1], [0.6, 0.34, 0.06]])


def printed(drawn, *, width=80, colour=False):
    stream = io.StringIO()
    system = "truecolor" if colour else None
    Console(file=stream, width=width, force_terminal=colour, color_system=system, legacy_windows=False).print(
        drawn
    )
    return stream.getvalue()


def test_terminal_grid_by_hand():
    assert printed(alignment_lines(SMALL)).rstrip().splitlines() == [
        "     clean water .   ",
        "maji ·     █ 90  ░ 10",
        "safi ▓ 60  ▒ 34  ░  6",
        "Each row: where a token goes, in %. Mean cosine distance 0.25.",
    ]


def test_a_notebook_shows_a_table_and_a_shell_the_grid():
    assert repr(SMALL).splitlines() == [
        line.rstrip("\n") for line in printed(alignment_lines(SMALL)).splitlines()
    ]
    html = SMALL._repr_html_()
    assert html.endswith(alignment_html(SMALL))
    assert "table.alignment tbody td" in html
    assert "body {" not in html, "the page around it keeps its own style"
    hostile = alignment((HOSTILE,), ("x",))._repr_html_()
    assert "<script" not in hostile


def test_colour_adds_nothing_that_is_not_said_without():
    coloured = printed(alignment_lines(SMALL), colour=True)
    assert "\x1b[" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == printed(alignment_lines(SMALL))


def test_a_wide_grid_goes_on_below():
    wide = alignment([f"neno{i}" for i in range(5)], [f"word{i}" for i in range(20)])
    lines = printed(alignment_lines(wide)).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert sum(line.startswith("neno0") for line in lines) == 2
    assert all(any(f"word{i}" in line for line in lines) for i in range(20))


def test_a_grid_of_many_bands_becomes_a_list():
    long = alignment([f"neno{i}" for i in range(62)], [f"word{i}" for i in range(200)])
    lines = printed(alignment_lines(long)).splitlines()
    assert sum(line.startswith("neno") for line in lines) == 62
    assert max(map(cell_len, lines)) <= 80


def test_a_long_word_is_shortened():
    drawn = printed(alignment_lines(alignment(["x" * 500], ["y" * 500, "z"])))
    assert max(map(cell_len, drawn.splitlines())) <= 80
    assert "…" in drawn


@given(
    st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=8),
    st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=30),
    st.sampled_from([80, 100, 200]),
)
def test_any_tokens_fit_any_terminal(foreign, english, width):
    tokens = alignment([visible(token) for token in foreign], [visible(token) for token in english])
    for line in alignment_lines(tokens, width=width).plain.split("\n"):
        assert cell_len(line) <= width or len(english) > 8, "only a list may be wider, and wraps"


def test_a_terminal_too_narrow_gets_a_grid_all_the_same():
    assert "maji" in printed(alignment_lines(SMALL, width=3), width=3).replace("\n", "")


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


def test_page_escapes_what_came_from_outside():
    page = alignment_page(alignment([visible(HOSTILE)], [HOSTILE, "b"]), HOSTILE, f"{HOSTILE} $title")
    seen = Tags(page)
    assert "script" not in seen.tags
    assert "img" not in seen.tags
    assert "onerror" not in seen.attributes
    assert seen.text.count("<script>alert(1)</script>") == 4
    assert "\u202e" not in page
    assert "<U+202E>" in seen.text
    assert "$title" in seen.text, "a dollar in a text is no placeholder"


def test_page_needs_nothing_from_elsewhere():
    page = alignment_page(SMALL, "maji safi", "clean water.")
    assert "http:" not in page
    assert "https:" not in page
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page


def test_html_table_by_hand():
    markup = alignment_html(SMALL)
    assert markup.count("<tr>") == 3
    assert '<th scope="row"><bdi>maji</bdi></th><td style="--share:0.000"></td>' in markup
    assert '<td style="--share:0.900">90</td>' in markup


def test_a_strip_has_a_captioned_grid_for_each_without_numbers():
    markup = alignment_strip({"step 0": SMALL, HOSTILE: alignment(["\u0645\u0627\u0621"], ["water"])})
    seen = Tags(markup)
    assert seen.tags.count("table") == seen.tags.count("figcaption") == 2
    assert "script" not in seen.tags
    assert '<td style="--share:0.90"></td>' in markup
    assert '<th scope="row"><bdi>\u0645\u0627\u0621</bdi></th>' in markup


def test_png_of_one_token_and_of_many():
    small, large = (
        alignment_png(alignment([f"f{i}" for i in range(m)], [f"e{i}" for i in range(n)]))
        for m, n in ((1, 1), (10, 150))
    )
    assert small.data.startswith(PNG)
    assert large.data.startswith(PNG)
    width, height = (int.from_bytes(large.data[start : start + 4], "big") for start in (16, 20))
    assert 2000 < width < 4000
    assert height < 500


def test_png_is_the_same_each_time():
    assert alignment_png(SMALL).data == alignment_png(SMALL).data


def test_png_without_glyphs_numbers_the_tokens(monkeypatch):
    """No font has a letter of the supplementary private use area."""
    module = sys.modules["opticlir.pictures.alignment_png"]
    labels = []
    original = module._labels
    monkeypatch.setattr(
        module, "_labels", lambda *arguments: labels.append(original(*arguments)) or labels[-1]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = alignment_png(alignment(["maji", "\U0010f000"], ["$x_2$"]))
    assert picture.data.startswith(PNG)
    assert ["maji", "[2]"] in labels
    assert ["$x_2$"] in labels


def test_png_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SetupError, match=r"pictures need matplotlib: pip install 'opticlir\[pictures\]'"):
        alignment_png(SMALL)
