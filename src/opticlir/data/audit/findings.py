"""What an audit found: plain figures, ready for a table or for JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from opticlir.data.audit.misalignment import AlignmentCheck
from opticlir.data.audit.tokenization import Tokenization


@dataclass(frozen=True, slots=True)
class FileFigures:
    """One bitext file."""

    path: str
    weight: float
    n_pairs: int
    n_empty: int
    """Pairs left out because a side was empty."""
    n_dropped: dict[str, int]
    """Everything left out that is no error, by reason, the empty sides included."""
    n_malformed: int
    """Records skipped with `--lenient`."""
    malformed: list[str]
    """The first of them."""
    n_copied: int
    """Pairs whose foreign side is the English one: untranslated, or a name."""
    question_share: float
    """Share of pairs of which a side ends with a question mark."""
    length_ratio_median: float


@dataclass(frozen=True, slots=True)
class LengthOutlier:
    """A pair whose sides differ in length far more, or far less, than usual."""

    path: str
    pair: int
    ratio: float
    english: str
    foreign: str


@dataclass(frozen=True, slots=True)
class Register:
    """Bitext against queries: an encoder serves best what it was trained on."""

    n_queries: int
    query_characters_median: float
    bitext_characters_median: float
    """Of the foreign side, from a sample."""
    query_question_share: float
    bitext_question_share: float
    unseen_word_rate: float
    """Share of the words in queries that the bitext does not have."""


@dataclass(frozen=True, slots=True)
class BitextAudit:
    """Everything that `opticlir audit` prints."""

    language: str
    files: list[FileFigures]
    n_pairs: int
    n_duplicates: int
    """Pairs that repeat an earlier one, over all files."""
    duplicates_one_in: int
    """1 where the count is exact; k where it is estimated from one distinct pair in k."""
    n_empty: int
    n_malformed: int
    n_copied: int
    length_ratio: dict[str, float]
    """Foreign to English characters: ratio by quantile ("0.01" ... "0.99")."""
    n_length_outliers: int
    length_outliers: list[LengthOutlier]
    """The farthest off, at most ten."""
    alignment: AlignmentCheck | None
    """None where there were too few pairs to learn a lexicon from."""
    n_shifted_pairs: int
    scripts: dict[str, float]
    """Share of the letters of the foreign side by script."""
    tokenization: Tokenization
    register: Register | None
    """None where no queries were given."""
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """The same as plain dictionaries and lists."""
        return asdict(self)
