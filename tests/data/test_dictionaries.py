import pytest

from opticlir.data import read_dictionary
from opticlir.errors import DataError


def entries(tmp_path, text):
    (tmp_path / "d.tsv").write_text(text, "utf-8")
    return list(read_dictionary(tmp_path / "d.tsv"))


@pytest.mark.parametrize("rest", ["\tnoun", "\t0.93", "\tnoun\t0.93", "\t", "\thttp://example.org"])
def test_further_columns_are_no_part_of_a_translation(tmp_path, rest):
    assert entries(tmp_path, f"water\tmaji{rest}\nclean\tsafi,tohara{rest}\n") == [
        ("water", "maji"), ("clean", "safi"), ("clean", "tohara")
    ]  # fmt: skip


@pytest.mark.parametrize("heading", ["sw\ten", "Swahili\tEnglish", "swh_Latn\teng_Latn", "swa\teng\tpos"])
def test_a_heading_gives_the_order_of_the_languages(tmp_path, heading):
    assert entries(tmp_path, f"{heading}\nmaji\twater\nsafi\tclean\n") == [
        ("water", "maji"),
        ("clean", "safi"),
    ]


@pytest.mark.parametrize("heading", ["en\tsw", "English\tSwahili", "eng\tswa\tscore"])
def test_a_heading_is_no_entry(tmp_path, heading):
    assert entries(tmp_path, f"{heading}\nwater\tmaji\n") == [("water", "maji")]


@pytest.mark.parametrize(
    "line", ["english\tkiingereza", "swahili\tkiswahili", "it\tni", "is\tni", "as\tkama", "water maji"]
)
def test_words_that_are_also_codes_are_entries(tmp_path, line):
    assert entries(tmp_path, f"{line}\nfire\tmoto\n")[0] == tuple(line.replace("\t", " ").split(" "))


def test_one_side_alone_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"d.tsv:2: expected ENGLISH<TAB>FOREIGN"):
        entries(tmp_path, "water\tmaji\nfire\t\n")


USUAL = ["water", "fire", "tree", "child", "house", "good", "bad", "woman", "school", "market"]
OTHERS = {
    "swa": ["maji", "moto", "mti", "mtoto", "nyumba", "nzuri", "mbaya", "mwanamke", "shule", "soko"],
    "zho": ["水", "火", "树", "孩子", "房子", "好", "坏", "女人", "学校", "市场"],
    "amh": ["ውሃ", "እሳት", "ዛፍ", "ልጅ", "ቤት", "ጥሩ", "መጥፎ", "ሴት", "ትምህርት ቤት", "ገበያ"],
}


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("rest", ["", "\tnoun", "\t0.9"])
def test_a_dictionary_the_other_way_round_without_a_heading_is_refused(tmp_path, language, rest):
    lines = [
        f"{foreign}\t{english}{rest}\n" for english, foreign in zip(USUAL, OTHERS[language], strict=True)
    ]
    with pytest.raises(DataError, match=r"d.tsv: its second column is English .*sw<TAB>en"):
        entries(tmp_path, "".join(lines))
    assert entries(tmp_path, f"{language}\teng\n" + "".join(lines)) == [
        *zip(USUAL, OTHERS[language], strict=True)
    ]


@pytest.mark.parametrize("language", OTHERS)
def test_a_dictionary_in_the_right_order_is_read(tmp_path, language):
    pairs = [*zip(USUAL, OTHERS[language], strict=True)]
    assert entries(tmp_path, "".join(f"{english}\t{foreign}\n" for english, foreign in pairs)) == pairs


def test_a_heading_is_believed_whatever_the_words_are(tmp_path):
    """A creole has many English words."""
    lines = "".join(f"{word}a\t{word}\n" for word in USUAL)
    assert entries(tmp_path, f"eng\tpcm\n{lines}")[0] == ("watera", "water")
    with pytest.raises(DataError, match="second column is English"):
        entries(tmp_path, lines)
