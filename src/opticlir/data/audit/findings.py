"""The result of an audit: plain figures for a table or JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from opticlir.data.audit.misalignment import AlignmentCheck
from opticlir.data.audit.tokenization import Tokenization
from opticlir.records import CutSentences


@dataclass(frozen=True, slots=True)
class FileFigures:
    """Figures of one bitext file."""

    path: str
    weight: float
    n_pairs: int
    n_empty: int
    """Pairs dropped because a side was empty."""
    n_dropped: dict[str, int]
    """Dropped records by reason, empty sides included. They are not errors."""
    n_malformed: int
    """Records skipped with `--lenient`."""
    malformed: list[str]
    """Messages of the first ones."""
    n_copied: int
    """Pairs with equal sides: untranslated text, or names."""
    question_share: float
    """Share of pairs in which a side ends with a question mark."""
    length_ratio_median: float


@dataclass(frozen=True, slots=True)
class LengthOutlier:
    """A pair with a very unusual length ratio."""

    path: str
    pair: int
    ratio: float
    english: str
    foreign: str


@dataclass(frozen=True, slots=True)
class UnmatchedPair:
    """A pair in which no words match."""

    path: str
    pair: int
    english: str
    foreign: str


@dataclass(frozen=True, slots=True)
class Register:
    """The bitext compared with queries. An encoder serves texts best that resemble its training data."""

    n_queries: int
    query_characters_median: float
    bitext_characters_median: float
    """Median of the foreign side, from a sample."""
    query_question_share: float
    bitext_question_share: float
    unseen_word_rate: float
    """Share of the query words that are not in the bitext."""


@dataclass(frozen=True, slots=True)
class BitextAudit:
    """Everything that `opticlir audit` prints."""

    language: str
    files: list[FileFigures]
    n_pairs: int
    n_duplicates: int
    """Pairs that repeat an earlier one, over all files."""
    duplicates_one_in: int
    """1 if the count is exact; k if it is estimated from one distinct pair in k."""
    n_empty: int
    n_malformed: int
    n_copied: int
    length_ratio: dict[str, float]
    """Ratio of foreign to English characters by quantile ("0.01" ... "0.99")."""
    n_length_outliers: int
    length_outliers: list[LengthOutlier]
    """The most extreme ones, at most ten."""
    alignment: AlignmentCheck | None
    """None if there were too few pairs to learn a lexicon."""
    n_shifted_pairs: int
    n_judged: int
    """Checked pairs that are long enough to see whether any of their words match."""
    unmatched: list[UnmatchedPair]
    """Those of them in which no words match."""
    suspects: dict[str, int] | None
    """Pairs that `without_suspects` leaves out, by reason; None if they were not counted."""
    damage: dict[str, int]
    """Damaged pairs by kind: mojibake, markup, spreadsheet quotes."""
    first_damage: dict[str, str]
    """File and pair of the first of each kind."""
    scripts: dict[str, float]
    """Share of the foreign letters by script."""
    tokenization: Tokenization
    register: Register | None
    """None if no queries were given."""
    remarks: list[str]
    """What the reader decided, and what looked wrong to it, such as swapped columns."""
    cut_sentences: CutSentences | None
    """Sentences of the sampled pairs that training would cut; None if the encoders are not known."""
    warnings: list[str]
    notes: list[str]
    """What `opticlir train` mends by default."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain dicts and lists."""
        return asdict(self)
