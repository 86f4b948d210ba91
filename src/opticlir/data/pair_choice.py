"""Which columns of a bitext file are read, and which of its pairs are left out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opticlir.data.audit import without_suspects
from opticlir.data.bitext import Columns, PairTable, parse_columns, read_bitext
from opticlir.data.skipping import SkipReport
from opticlir.errors import DataError, SettingsError
from opticlir.records import SentencePair


@dataclass(frozen=True, slots=True)
class PairChoice:
    """What a user asks for with `--columns`, `--min-score` and `--drop-suspect`."""

    columns: Columns | None = None
    min_score: float | None = None
    drop_suspect: bool = False

    @classmethod
    def of(
        cls,
        columns: Columns | str | None = None,
        min_score: float | None = None,
        *,
        drop_suspect: bool = False,
    ) -> "PairChoice":
        """Return the choice that a user typed.

        Args:
            columns: as `english=2,foreign=4,score=5`.
            min_score: least score of a pair.
            drop_suspect: whether pairs that are hardly translations are left out.

        Raises:
            SettingsError: `columns` has another form, or `min_score` is not finite.
        """
        if min_score is not None and not math.isfinite(min_score):
            raise SettingsError(f"min_score is {min_score}: expected a finite number")
        return cls(parse_columns(columns) if isinstance(columns, str) else columns, min_score, drop_suspect)

    def recorded(self) -> dict[str, str]:
        """Return the choice as an input of a training, in addition to the files; empty if all pairs are read.

        Example:
            >>> PairChoice.of("english=2,foreign=1", 0.5).recorded()
            {'choice of pairs': 'columns english=2,foreign=1; min_score 0.5'}
        """
        columns = self.columns or Columns()
        named = {"english": columns.english, "foreign": columns.foreign, "score": columns.score}
        parts = [
            *(["columns " + ",".join(f"{name}={at}" for name, at in named.items() if at)] if columns else []),
            *([] if self.min_score is None else [f"min_score {self.min_score:g}"]),
            *(["drop_suspect"] if self.drop_suspect else []),
        ]
        return {"choice of pairs": "; ".join(parts)} if parts else {}

    def read(
        self,
        path: str | Path,
        *,
        language: str | None,
        weight: float = 1.0,
        skipped: SkipReport | None = None,
    ) -> Iterator[SentencePair]:
        """Read a file; arguments and errors as `read_bitext`. Suspect pairs are still there."""
        return read_bitext(
            path, language=language, weight=weight, skipped=skipped,
            columns=self.columns, min_score=self.min_score,
        )  # fmt: skip

    def sound(self, pairs: PairTable, language: str | None, report: SkipReport) -> PairTable:
        """Return the pairs without those that are suspect, if these shall be left out.

        Args:
            pairs: all pairs of one language; see `without_suspects`.
            language: for messages.
            report: gets a remark for each reason.

        Raises:
            DataError: no pair is left.
        """
        if not self.drop_suspect:
            return pairs
        kept, counts = without_suspects(pairs)
        of_language = f"{language} " if language else ""
        for reason, count in counts.most_common():
            report.remark(f"left out: {count} {of_language}pairs {reason}")
        if not len(kept):
            raise DataError(f"drop_suspect leaves no pair{f' in {language}' if language else ''}")
        return kept
