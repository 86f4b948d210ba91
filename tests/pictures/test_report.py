import pytest

from opticlir.pictures import Image, Markup, Picture, Prose, Section, Table, report_html

HOSTILE = '</td></table><script>alert("1")</script>\u202e'


def test_everything_from_outside_is_escaped():
    picture = Picture(Image(b"<svg/>", "svg"), description=HOSTILE, caption=HOSTILE)
    table = Table((HOSTILE, "n"), [(HOSTILE, 1.0)], note=HOSTILE)
    page = report_html(HOSTILE, [Section(HOSTILE, [Prose(HOSTILE), table, picture])])
    assert "<script" not in page
    assert "\u202e" not in page
    assert page.count("&lt;script&gt;") == 9  # the title twice
    assert page.count("</table>") == 1


def test_nothing_is_fetched():
    page = report_html("title", [Section("picture", [Picture(Image(b"x", "png"), "a letter")])])
    assert 'src="data:image/png;base64,eA=="' in page
    assert "http" not in page.replace("http-equiv", "")


def test_table_by_hand():
    markup = Table(("language", "AP"), [("swa", 0.5), ("hau", None)], strong_rows=frozenset({1})).html()
    assert '<th>language</th><th class="number">AP</th>' in markup
    assert '<tr><td>swa</td><td class="number">0.500</td></tr>' in markup
    assert '<tr class="strong"><td>hau</td><td class="number"></td></tr>' in markup


def test_a_crooked_table_is_refused():
    with pytest.raises(ValueError, match="row 1 has 1 cells, the header 2"):
        Table(("a", "b"), [("x", "y"), ("x",)])


def test_paragraphs_and_markup():
    assert Prose("one\n\ntwo\n\n").html() == "<p>one</p>\n<p>two</p>"
    assert Markup("<b>kept</b>").html() == "<b>kept</b>"
