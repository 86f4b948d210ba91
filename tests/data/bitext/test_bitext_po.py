import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import SkipReport, read_bitext
from opticlir.data.normalisation import normalise_text
from opticlir.errors import DataError
from opticlir.records import SentencePair

SIDE = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff")).map(normalise_text).filter(bool)
ESCAPES = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\v": "\\v",
    "\b": "\\b",
}


def quoted(text):
    return '"' + "".join(ESCAPES.get(character, character) for character in text) + '"'


HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1), st.integers(1, 8))
def test_round_trip(tmp_path_factory, sides, width):
    path = tmp_path_factory.mktemp("po") / "f.po"
    entries = []
    for english, foreign in sides:
        pieces = "\n".join(quoted(foreign[at : at + width]) for at in range(0, len(foreign), width))
        entries.append(f'#: src/x.c:1\nmsgid {quoted(english)}\nmsgstr ""\n{pieces}\n')
    path.write_text(HEADER + "\n".join(entries), "utf-8", newline="")
    assert list(read_bitext(path)) == [SentencePair(*pair) for pair in sides]


def pairs(tmp_path, text, **options):
    (tmp_path / "f.po").write_text(text, "utf-8")
    return [(pair.english, pair.foreign) for pair in read_bitext(tmp_path / "f.po", **options)]


def test_what_is_passed_over_and_what_is_counted(tmp_path):
    report = SkipReport(lenient=False)
    text = (
        HEADER + '#, fuzzy, c-format\n#| msgid "old"\nmsgid "guess"\nmsgstr "kisio"\n\n'
        'msgid "untranslated"\nmsgstr ""\n\n#~ msgid "gone"\n#~ msgstr "imeenda"\n\n'
        'msgctxt "menu"\nmsgid "open"\nmsgstr "fungua"\nmsgid "close"\nmsgstr "funga"\n# the end'
    )
    assert pairs(tmp_path, text, skipped=report) == [("open", "fungua"), ("close", "funga")]
    assert report.dropped == {"marked fuzzy": 1, "with an empty side": 1}


def test_plural_forms(tmp_path):
    text = 'msgid "one day"\nmsgid_plural "%d days"\nmsgstr[0] "siku moja"\nmsgstr[1] "siku %d"\n'
    assert pairs(tmp_path, text) == [("one day", "siku moja"), ("%d days", "siku %d")]
    assert pairs(tmp_path, text.replace('msgstr[1] "siku %d"\n', "")) == [("%d days", "siku moja")]


def test_escapes(tmp_path):
    assert pairs(tmp_path, r'msgid "a\"b\\n"' + "\n" + r'msgstr "\x41\101\n\tz"') == [('a"b\\n', "AA\n\tz")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("msgid water", 'expected msgid "..." or msgstr'),
        ("hello", "found 'hello'"),
        ('msgid "water', "expected msgid"),
        ('msgid "wa"ter"', "does not end with one unescaped quote"),
        (r'msgid "water\"', "does not end with one unescaped quote"),
        (r'msgid "\q"', r"unknown escape '\\\\q'"),
        ('"floating"', "a string without msgid or msgstr before it"),
        ('msgid "a"\nmsgid "b"', "msgid occurs twice in the entry that begins at line 4"),
    ],
)
def test_malformed_lines(tmp_path, line, message):
    text = f'msgid "water"\nmsgstr "maji"\n\n{line}\nmsgstr "x"\n\nmsgid "fire"\nmsgstr "moto"\n'
    with pytest.raises(DataError, match=rf"f.po:[45]: .*{message}"):
        pairs(tmp_path, text)
    report = SkipReport()
    assert pairs(tmp_path, text, skipped=report) == [("water", "maji"), ("fire", "moto")]
    assert report.n_malformed >= 1


def test_a_header_alone_holds_no_pair(tmp_path):
    with pytest.raises(DataError, match="no sentence pair in it"):
        pairs(tmp_path, HEADER)
