import json
import random
import re
from functools import partial

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from opticlir.data import PairTable
from opticlir.data.audit import audit, audit_bitext, without_suspects
from opticlir.data.audit.sampling import DuplicateCounter
from opticlir.data.audit.warnings import has_many_unmatched
from opticlir.errors import DataError
from opticlir.records import Query, SentencePair


@pytest.fixture(scope="module")
def tokenizer():
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789.")
    pieces = ["[UNK]", *letters, *(f"##{letter}" for letter in letters)]
    built = Tokenizer(models.WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]"))
    built.normalizer = normalizers.BertNormalizer()
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return built


def write(path, pairs):
    path.write_text("".join(f"{english}\t{foreign}\n" for english, foreign in pairs), "utf-8")
    return path


def test_by_hand(tmp_path, tokenizer):
    first = write(
        tmp_path / "a.tsv",
        [("Clean water.", "Maji safi."), ("Clean water.", "Maji safi."), ("x", ""), ("OK", "ok")],
    )
    second = write(
        tmp_path / "b.tsv", [("Where is it?", "Iko wapi?"), ("Clean water.", "Maji safi."), ("fire", "ọtọ я")]
    )
    found = audit_bitext([(first, 1.0), (second, 3.0)], language="sw", tokenizer=tokenizer)
    assert (found.language, found.n_pairs, found.n_duplicates, found.duplicates_one_in) == ("swa", 6, 2, 1)
    assert (found.n_empty, found.n_copied, found.n_malformed) == (1, 1, 0)
    assert [(figures.n_pairs, figures.n_empty, figures.n_copied, figures.weight) for figures in found.files] == [
        (3, 1, 1, 1.0), (3, 0, 0, 3.0)
    ]  # fmt: skip
    assert found.files[0].n_dropped == {"with an empty side": 1}
    assert [figures.question_share for figures in found.files] == [0.0, 1 / 3]
    assert found.length_ratio["0.5"] == pytest.approx(10 / 12, rel=0.02)
    assert found.scripts == {"LATIN": pytest.approx(36 / 37), "CYRILLIC": pytest.approx(1 / 37)}
    assert found.alignment is None
    assert found.register is None
    assert [lost.character for lost in found.tokenization.lost_characters] == ["ọ"]
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["files"][1]["weight"] == 3.0


def some_pairs(n_pairs, foreign="neno la {0} hapa"):
    return [(f"the word {number} is here", foreign.format(number)) for number in range(n_pairs)]


def warnings_of(tmp_path, tokenizer, pairs, **options):
    found = audit_bitext(
        [(write(tmp_path / "f.tsv", pairs), 1.0)], language="swa", tokenizer=tokenizer, **options
    )
    return found, " | ".join(found.warnings)


def test_nothing_to_say_about_a_good_file(tmp_path, tokenizer):
    found, warnings = warnings_of(tmp_path, tokenizer, some_pairs(500))
    assert warnings == ""
    assert found.alignment.n_pairs == 500


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([*some_pairs(80), *some_pairs(20)], r"20 \(20.0%\) of the pairs repeat an earlier one"),
        ([*some_pairs(90), *((f"same {n}", f"Same {n}") for n in range(10))], r"10 \(10.0%\) of the foreign sides"),
        ([*some_pairs(90), *((f"fire {n} " * 9, "x") for n in range(10))], r"10 \(10.0%\) of the pairs have unusual"),
        ([*some_pairs(50), *some_pairs(50, "слово номер {0}")], "of the foreign letters are not LATIN \\(CYRILLIC\\)"),
        (some_pairs(100, "nẹnọ la {0}"), "the tokenizer changes .* of the letters and marks \\(ẹ -> e, ọ -> o\\)"),
    ],
)  # fmt: skip
def test_what_is_worth_a_sentence(tmp_path, tokenizer, pairs, expected):
    _, warnings = warnings_of(tmp_path, tokenizer, pairs)
    assert re.search(expected, warnings), warnings


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (some_pairs(100, "neno la ɗaya {0}"), r"unknown to the tokenizer \(ɗaya.*train adds them"),
        (
            some_pairs(100, "\u0928\u0941 la {0}"),
            r"drops or changes letters and marks \(◌ु -> nothing\): train keeps",
        ),
        (
            [("a b c d e f g h", f"mafarakano{n}") for n in range(100)],
            "Swahili takes 1[12].* per word, English 1.0",
        ),
    ],
)
def test_losses_that_training_mends_are_notes_and_no_warnings(tmp_path, tokenizer, pairs, expected):
    found, warnings = warnings_of(tmp_path, tokenizer, pairs)
    assert re.search(expected, " | ".join(found.notes)), found.notes
    assert "tokenizer" not in warnings


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ([("Here it is.", "EstÃ¡ aquÃ\xad, seÃ±or.")], "mojibake|wrong encoding"),
        ([("Here we are", "ÐŸÑ€Ð¸Ð²ÐµÑ‚ Ð¼Ð¸Ñ€")], "wrong encoding"),
        ([("Tom &amp; Ada &quot;go&quot;", "Tom na Ada")], "HTML entities or tags"),
        ([("<b>Bold</b> text", "maandishi")], "HTML entities or tags"),
        ([('"He said ""come"" to me"', '"Alisema')], "quotes of a spreadsheet"),
    ],
)
def test_damaged_text_is_found_with_the_first_place(tmp_path, tokenizer, bad, expected):
    found, warnings = warnings_of(tmp_path, tokenizer, [*some_pairs(100), *bad * 5])
    assert re.search(expected, warnings), warnings
    assert "f.tsv, pair 101" in warnings
    assert sum(found.damage.values()) == 5


def test_swapped_columns_are_said(tmp_path, tokenizer):
    pairs = [(f"neno la {n} liko hapa", f"the word {n} is here with the people") for n in range(100)]
    _, warnings = warnings_of(tmp_path, tokenizer, pairs)
    assert "are the columns swapped?" in warnings


def test_pairs_that_are_no_translations_are_found_and_can_be_left_out(tmp_path, tokenizer):
    draw = random.Random(0)
    lexicon = {f"{a}{b}word": f"{b}{a}neno" for a in "abcdefghijklmno" for b in "pqrstuvwxy"}
    pairs = []
    for number in range(900):
        english = draw.sample(sorted(lexicon), 12)
        foreign = [lexicon[word] for word in (english if number % 10 else draw.sample(sorted(lexicon), 12))]
        pairs.append((" ".join(english), " ".join(draw.sample(foreign, 12))))
    found, warnings = warnings_of(tmp_path, tokenizer, pairs, count_suspects=True)
    assert re.search(r"of the longer pairs have no matching words, as pair \d*1 of", warnings), warnings
    numbers = [pair.pair for pair in found.unmatched]
    wrong = [number for number in numbers if number % 10 == 1]
    assert len(wrong) >= 30
    assert len(wrong) >= 0.9 * len(numbers)
    assert found.suspects["in which no words match"] == len(numbers)
    kept, counts = without_suspects(PairTable(SentencePair(*pair) for pair in pairs))
    assert len(kept) == 900 - counts.total()
    assert counts.total() == sum(found.suspects.values())


def test_farthest_ratios_come_with_their_place(tmp_path, tokenizer):
    pairs = some_pairs(100)
    pairs[41] = ("a rather long English sentence about water and fire", "ni")
    pairs[70] = ("no", "sentensi ndefu sana kuhusu maji na moto na mambo mengine mengi")
    found, _ = warnings_of(tmp_path, tokenizer, pairs)
    assert [(outlier.pair, outlier.foreign[:8]) for outlier in found.length_outliers] == [
        (42, "ni"),
        (71, "sentensi"),
    ]
    assert found.n_length_outliers == 2
    assert found.length_outliers[0].ratio == pytest.approx(2 / 51)


def test_a_stretch_out_of_step(tmp_path, tokenizer):
    pairs = some_pairs(600, "neno Jina{0} hapa")
    pairs = [(english.replace("word ", "word Jina"), foreign) for english, foreign in pairs]
    foreign = [pair[1] for pair in pairs]
    pairs[300:350] = [(english, foreign[at + 1]) for at, (english, _) in enumerate(pairs[300:350], start=300)]
    found, warnings = warnings_of(tmp_path, tokenizer, pairs)
    assert 40 <= found.n_shifted_pairs <= 60
    assert "match their neighbours better (-1)" in warnings
    assert found.alignment.n_pairs == 600


def test_queries_of_another_register(tmp_path, tokenizer):
    queries = [Query(f"q{n}", "Wapi kuna maji?", "swa") for n in range(10)]
    long_pairs = [(f"{english} " * 6, f"{foreign} " * 6) for english, foreign in some_pairs(100)]
    found, warnings = warnings_of(tmp_path, tokenizer, long_pairs, queries=queries)
    assert found.register.n_queries == 10
    assert (found.register.query_question_share, found.register.bitext_question_share) == (1.0, 0.0)
    assert found.register.unseen_word_rate == 1.0
    assert "queries have 15 characters, bitext sentences 95" in warnings
    assert "100% of the queries are questions and 0% of the bitext: add translated questions" in warnings
    assert "100% of the words in queries do not occur in the bitext" in warnings
    same = [Query("q", "neno la 5 hapa", "swa")]
    found, warnings = warnings_of(tmp_path, tokenizer, some_pairs(100), queries=same)
    assert (found.register.unseen_word_rate, warnings) == (0.0, "")


def test_broken_records(tmp_path, tokenizer):
    path = tmp_path / "f.tsv"
    path.write_text("water\tmaji\nbroken\nfire\tmoto\n")
    with pytest.raises(DataError, match=r"f.tsv:2: expected 2 columns"):
        audit_bitext([(path, 1.0)], language="swa", tokenizer=tokenizer)
    found = audit_bitext([(path, 1.0)], language="swa", tokenizer=tokenizer, lenient=True)
    assert (found.n_pairs, found.n_malformed) == (2, 1)
    assert found.warnings[0].startswith("1 malformed records were skipped, first: ")


def test_no_files(tokenizer):
    with pytest.raises(ValueError, match="bitext is empty"):
        audit_bitext([], language="swa", tokenizer=tokenizer)


def test_the_same_again(tmp_path, tokenizer):
    path = write(tmp_path / "f.tsv", some_pairs(7_000))
    first, second = (audit_bitext([(path, 1.0)], language="swa", tokenizer=tokenizer) for _ in range(2))
    assert first == second
    assert first.tokenization.n_sentences == 5_000


def test_memory_does_not_grow_with_the_file(tmp_path, tokenizer, monkeypatch, peak_memory):
    """With every sample full, three times the pairs take no more memory."""
    monkeypatch.setattr(audit, "_N_SAMPLED_PAIRS", 50)
    monkeypatch.setattr(audit, "_N_BLOCKS", 2)
    monkeypatch.setattr(audit, "DuplicateCounter", lambda: DuplicateCounter(capacity=100))
    peaks = []
    for n_pairs in (1_000, 1_000, 3_000):  # the first fills the caches
        path = write(tmp_path / "f.tsv", some_pairs(n_pairs))
        peaks.append(peak_memory(partial(audit_bitext, [(path, 1.0)], language="swa", tokenizer=tokenizer)))
    assert peaks[2] < 1.3 * peaks[1] + 500_000


@pytest.mark.parametrize(
    ("n_unmatched", "n_judged", "warns"),
    [(0, 0, False), (3, 97, False), (6, 107, False), (100, 3458, False), (15, 107, True), (117, 3458, True)],
)
def test_a_few_pairs_without_matching_words_in_a_small_file_are_no_warning(n_unmatched, n_judged, warns):
    """3 of 97 sound Hausa pairs were a warning."""
    assert has_many_unmatched(n_unmatched, n_judged) == warns
