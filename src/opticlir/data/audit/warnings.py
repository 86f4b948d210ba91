"""Warnings about the figures of an audit, with advice."""

from collections.abc import Iterator

from opticlir.data.audit.damage import MARKUP, MOJIBAKE, QUOTES
from opticlir.data.audit.findings import BitextAudit, Register
from opticlir.data.audit.tokenization import Tokenization
from opticlir.languages import language_name

_DUPLICATES = 0.05
_COPIED = 0.02
_DAMAGED = 0.001
_UNMATCHED = 0.03
_LEAST_UNMATCHED = 10
_OUTLIERS = 0.02
_OTHER_SCRIPTS = 0.1
_UNKNOWN = 0.002
_LOST = 0.01
_FERTILITY = 2.0
_UNSEEN = 0.25
_N_STRETCHES = 5


def warnings_of(audit: BitextAudit) -> Iterator[str]:
    """Yield one sentence per suspicious figure."""
    yield from audit.remarks
    yield from _about_pairs(audit)
    yield from _about_damage(audit)
    yield from _about_alignment(audit)
    yield from _about_tokenizer(audit.tokenization)
    cut = audit.cut_sentences
    if cut and (cut.english or cut.foreign):
        yield f"{cut}: the rest of them is not trained on; split them, or choose an encoder that reads more"
    if audit.register:
        yield from _about_register(audit.register)


def notes_of(audit: BitextAudit) -> Iterator[str]:
    """Yield one sentence per loss that `opticlir train` mends, since it adds the language to the tokenizer."""
    found, language = audit.tokenization, language_name(audit.language)
    if found.unknown_rate > _UNKNOWN:
        examples = ", ".join(word for word, _ in found.unknown_words[:3])
        yield f"{found.unknown_rate:.1%} of the tokens are unknown to the tokenizer ({examples}): train adds them"
    mended = [lost for lost in found.lost_characters if lost.is_mended]
    if mended and found.lost_rate > _LOST:
        examples = ", ".join(f"{lost}" for lost in mended[:3])
        yield f"the tokenizer drops or changes letters and marks ({examples}): train keeps them"
    if found.tokens_per_word > _FERTILITY * found.tokens_per_word_english:
        yield (
            f"{language} takes {found.tokens_per_word:.1f} tokens per word, English "
            f"{found.tokens_per_word_english:.1f}: train learns words and pieces from the bitext"
        )


def _about_pairs(audit: BitextAudit) -> Iterator[str]:
    if audit.n_malformed:
        first = next(message for figures in audit.files for message in figures.malformed)
        yield f"{audit.n_malformed} malformed records were skipped, first: {first}"
    if audit.n_duplicates > _DUPLICATES * audit.n_pairs:
        share = _share(audit.n_duplicates, audit.n_pairs)
        yield f"{share} of the pairs repeat an earlier one: they count several times in training"
    if audit.n_copied > _COPIED * audit.n_pairs:
        share = _share(audit.n_copied, audit.n_pairs)
        yield f"{share} of the foreign sides equal the English text: untranslated lines teach copying"
    main, *others = audit.scripts.items() or [("no letters", 1.0)]
    other_share = sum(share for _, share in others)
    if other_share > _OTHER_SCRIPTS:
        names = ", ".join(name for name, _ in others[:3])
        yield f"{other_share:.0%} of the foreign letters are not {main[0]} ({names}): is every line in the language?"


def _about_damage(audit: BitextAudit) -> Iterator[str]:
    advice = {
        MOJIBAKE: "text in a wrong encoding, as Ã¡ for á: decode the file again, or leave them out with --drop-suspect",
        MARKUP: "HTML entities or tags: turn them into text",
        QUOTES: "quotes of a spreadsheet: read the file as .csv, or export it without quotes",
    }
    for kind, count in audit.damage.items():
        if count > max(2, _DAMAGED * audit.n_pairs):
            share = _share(count, audit.n_pairs)
            yield f"{share} of the pairs have {advice[kind]}; first: {audit.first_damage[kind]}"


def has_many_unmatched(n_unmatched: int, n_judged: int) -> bool:
    """Whether more than 3 % of the judged pairs have no matching words, and more than a few: these are chance.

    Example:
        >>> has_many_unmatched(3, 97), has_many_unmatched(400, 1000)
        (False, True)
    """
    return n_unmatched >= _LEAST_UNMATCHED and n_unmatched > _UNMATCHED * n_judged


def _about_alignment(audit: BitextAudit) -> Iterator[str]:
    if has_many_unmatched(len(audit.unmatched), audit.n_judged):
        first = audit.unmatched[0]
        yield (
            f"{_share(len(audit.unmatched), audit.n_judged)} of the longer pairs have no matching words, as pair "
            f"{first.pair} of {first.path}: look at them, or leave them out with --drop-suspect"
        )
    if audit.n_length_outliers > _OUTLIERS * audit.n_pairs:
        share = _share(audit.n_length_outliers, audit.n_pairs)
        yield f"{share} of the pairs have unusual length ratios: see the examples"
    if audit.alignment is None:
        return
    if not audit.alignment.is_bitext:
        yield "hardly any words of the two sides match: are they translations of each other, line by line?"
    stretches = audit.alignment.stretches
    for stretch in stretches[:_N_STRETCHES]:
        yield (
            f"{stretch.path}: pairs {stretch.first_pair} to {stretch.last_pair} match their neighbours better "
            f"({stretch.offset:+d}): the sides seem shifted there"
        )
    if len(stretches) > _N_STRETCHES:
        yield f"{len(stretches) - _N_STRETCHES} more ranges seem shifted"


def _about_tokenizer(found: Tokenization) -> Iterator[str]:
    lost = [each for each in found.lost_characters if not each.is_mended]
    if lost and found.lost_rate > _LOST:
        examples = ", ".join(f"{each}" for each in lost[:3])
        share = f"{found.lost_rate:.1%}"
        yield f"the tokenizer changes {share} of the letters and marks ({examples}): different words become equal"


def _about_register(register: Register) -> Iterator[str]:
    ratio = register.query_characters_median / max(1.0, register.bitext_characters_median)
    if not 0.5 <= ratio <= 2.0:
        yield (
            f"queries have {register.query_characters_median:.0f} characters, bitext sentences "
            f"{register.bitext_characters_median:.0f} (medians): add bitext of the length of the queries"
        )
    if register.query_question_share > 0.5 > 5 * register.bitext_question_share:
        yield (
            f"{register.query_question_share:.0%} of the queries are questions and "
            f"{register.bitext_question_share:.0%} of the bitext: add translated questions, with a weight "
            "(questions.tsv:3)"
        )
    if register.unseen_word_rate > _UNSEEN:
        yield f"{register.unseen_word_rate:.0%} of the words in queries do not occur in the bitext"


def _share(count: int, total: int) -> str:
    return f"{count} ({count / total:.1%})"
