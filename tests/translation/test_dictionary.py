from pathlib import Path

import pytest

from opticlir.errors import DataError
from opticlir.translation import Dictionary

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "dictionaries"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_the_longest_entry_wins_and_the_rest_stays(tmp_path):
    terms = write(tmp_path / "terms.tsv", "clean water\tmaji safi\nwater\tmaji\nhome\tnyumbani, kwao\n")
    dictionary = Dictionary.read([terms])
    assert dictionary.translate("Maji safi ya Kisumu, maji kwao") == "clean water ya kisumu , water home"
    assert len(dictionary) == 4


def test_what_stands_first_is_the_usual_meaning(tmp_path):
    first, second = write(tmp_path / "a.tsv", "water\tmaji\n"), write(tmp_path / "b.tsv", "juice\tmaji\n")
    assert Dictionary.read([first, second]).translate("maji") == "water"
    assert Dictionary.read([second, first]).translate("maji") == "juice"


def test_a_space_divides_where_there_is_no_tab(tmp_path):
    muse = write(tmp_path / "en-de.txt", "the der\nwater wasser\n")
    assert Dictionary.read([muse]).translate("der Wasser") == "the water"


def test_diacritics_and_case_find_their_entry(tmp_path):
    assert Dictionary.read([write(tmp_path / "y.tsv", "house\tilé\n")]).translate("ILÉ ile") == "house house"


@pytest.mark.parametrize("line", ["water", "water\t", "\tmaji", "water\t  "])
def test_a_line_with_one_side_is_refused(tmp_path, line):
    path = write(tmp_path / "broken.tsv", f"home\tnyumbani\n{line}\n")
    with pytest.raises(DataError, match=r"broken\.tsv:2: expected ENGLISH<TAB>FOREIGN, found"):
        Dictionary.read([path])


def test_a_file_without_entries_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"empty\.tsv: no dictionary entry in it"):
        Dictionary.read([write(tmp_path / "empty.tsv", "\n\n")])


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("muse/en-es.0-5000.txt", "agua", "water"),
        ("tico_terms/hau.tsv", "zazzabi", "fever"),
        ("freedict.swa.tsv", "maji", "water"),
    ],
)
def test_real_dictionaries_are_read(name, text, expected):
    if not DATA.exists():
        pytest.skip("no dictionaries: ../shared/data is absent")
    dictionary = Dictionary.read([DATA / name])
    assert len(dictionary) > 400
    assert dictionary.translate(text) == expected
