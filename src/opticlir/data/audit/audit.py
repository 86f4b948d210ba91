"""Audits a bitext in one pass over its files, in bounded memory."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeAlias

from tokenizers import Tokenizer

from opticlir.data.audit.damage import DamageCounter
from opticlir.data.audit.findings import BitextAudit, FileFigures, LengthOutlier, Register, UnmatchedPair
from opticlir.data.audit.lengths import LengthRatios, is_outlier, smoothed_log_ratio
from opticlir.data.audit.misalignment import Block, check_alignment, is_judged, unmatched_pairs
from opticlir.data.audit.sampling import DuplicateCounter, Reservoir
from opticlir.data.audit.scripts import is_question, script
from opticlir.data.audit.suspects import without_suspects
from opticlir.data.audit.tokenization import measure_tokenization
from opticlir.data.audit.warnings import notes_of, warnings_of
from opticlir.data.bitext import PairTable, read_bitext
from opticlir.data.skipping import SkipReport
from opticlir.languages import language_code
from opticlir.records import CutSentences, Query, SentencePair
from opticlir.words import rough_words

Read: TypeAlias = Callable[..., Iterator[SentencePair]]
CountCut: TypeAlias = Callable[[Sequence[str], Sequence[str]], CutSentences]
"""Counts foreign and English sides that are longer than student and teacher read while training."""

_N_SAMPLED_PAIRS = 5_000
_BLOCK_PAIRS = 200
_N_BLOCKS = 100
_SEED = 0  # of the samples: equal files give equal audits
_N_EXTREMES = 50
_N_EXAMPLES = 10
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_EMPTY = "with an empty side"


def audit_bitext(
    bitext: Sequence[tuple[Path, float]],
    *,
    language: str,
    tokenizer: Tokenizer,
    queries: Sequence[Query] = (),
    count_cut: CountCut | None = None,
    lenient: bool = False,
    read: Read = read_bitext,
    count_suspects: bool = False,
) -> BitextAudit:
    """Find problems in a bitext that would harm training.

    Counts, lengths, scripts and lost characters cover all pairs. Tokens per word, register and cut sentences come
    from 5,000 sampled pairs, shifted ranges from 100 sampled blocks of 200 consecutive pairs. Above a million
    distinct pairs, the number of duplicates is an estimate, and the result says so.

    Args:
        bitext: path and weight of each file.
        language: language of the foreign side, any code.
        tokenizer: tokenizer of the student.
        queries: queries in `language`, compared with the bitext.
        count_cut: counts the sentences that are too long for the encoders; None leaves that out.
        lenient: skip, count and report malformed records; by default they are refused.
        read: `read_bitext`, with columns and a least score if there are any.
        count_suspects: also count the pairs that `without_suspects` leaves out; this takes the texts into memory.

    Returns:
        The figures, and warnings about them.

    Raises:
        ValueError: `bitext` is empty.
        DataError: a file cannot be read or has no pair, or a record is malformed and not `lenient`.
    """
    if not bitext:
        raise ValueError("bitext is empty: expected at least one file")
    code = language_code(language)
    gathered = _Gathered(queries)
    read = partial(read, language=language)
    files = [_audit_file(path, weight, read, lenient, gathered) for path, weight in bitext]
    blocks = gathered.blocks.items()
    alignment = check_alignment(blocks)
    usual = gathered.ratios.usual()
    sample = gathered.pairs.items()
    figures = BitextAudit(
        language=code,
        files=files,
        n_pairs=sum(figures.n_pairs for figures in files),
        n_duplicates=gathered.duplicates.n_duplicates,
        duplicates_one_in=gathered.duplicates.one_in,
        n_empty=sum(figures.n_empty for figures in files),
        n_malformed=sum(figures.n_malformed for figures in files),
        n_copied=sum(figures.n_copied for figures in files),
        length_ratio={str(share): gathered.ratios.quantile(share) for share in _QUANTILES},
        n_length_outliers=gathered.ratios.n_outliers(usual),
        length_outliers=gathered.extremes.outliers(usual),
        alignment=alignment,
        n_shifted_pairs=sum(
            stretch.last_pair - stretch.first_pair + 1
            for stretch in (alignment.stretches if alignment else ())
        ),
        n_judged=_n_judged(blocks),
        unmatched=_unmatched(blocks),
        suspects=dict(_suspects(bitext, read, lenient)) if count_suspects else None,
        damage=dict(gathered.damage.counts),
        first_damage=gathered.damage.first,
        scripts=_script_shares(gathered.characters),
        tokenization=measure_tokenization(
            tokenizer,
            [pair.foreign for pair in sample],
            [pair.english for pair in sample],
            gathered.characters,
        ),
        register=gathered.register(queries, sample),
        remarks=gathered.remarks,
        cut_sentences=count_cut([pair.foreign for pair in sample], [pair.english for pair in sample])
        if count_cut
        else None,
        warnings=[],
        notes=[],
    )
    figures.warnings.extend(warnings_of(figures))
    figures.notes.extend(notes_of(figures))
    return figures


class _Gathered:
    """Figures collected over all files."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self.duplicates = DuplicateCounter()
        self.ratios = LengthRatios()
        self.characters: Counter[str] = Counter()
        self.pairs: Reservoir[SentencePair] = Reservoir(_N_SAMPLED_PAIRS, _SEED)
        self.blocks: Reservoir[Block] = Reservoir(_N_BLOCKS, _SEED)
        self.extremes = _Extremes()
        self.damage = DamageCounter()
        self.remarks: list[str] = []
        self._unseen = {word for query in queries for word in rough_words(query.text)}

    def add(self, pair: SentencePair) -> None:
        """Add one pair."""
        self.duplicates.add(pair)
        self.characters.update(pair.foreign)
        self.pairs.add(pair)
        if self._unseen:
            self._unseen.difference_update(rough_words(pair.foreign))

    def register(self, queries: Sequence[Query], sample: Sequence[SentencePair]) -> Register | None:
        """Compare the sampled pairs with the queries."""
        if not queries:
            return None
        query_words = [word for query in queries for word in rough_words(query.text)]
        return Register(
            n_queries=len(queries),
            query_characters_median=float(median(len(query.text) for query in queries)),
            bitext_characters_median=float(median(len(pair.foreign) for pair in sample)),
            query_question_share=sum(is_question(query.text) for query in queries) / len(queries),
            bitext_question_share=sum(_asks(pair) for pair in sample) / len(sample),
            unseen_word_rate=sum(word in self._unseen for word in query_words) / max(1, len(query_words)),
        )


class _Extremes:
    """The pairs with the lowest and the highest length ratios so far."""

    def __init__(self) -> None:
        self._heaps: dict[int, list[tuple[float, int, str, int, SentencePair]]] = {-1: [], 1: []}
        self._n_seen = 0

    def add(self, pair: SentencePair, path: str, number: int) -> None:
        """Add one pair."""
        self._n_seen += 1  # breaks ties, so that pairs are never compared
        ratio = smoothed_log_ratio(pair)
        for sign, heap in self._heaps.items():
            entry = (sign * ratio, -self._n_seen, path, number, pair)
            if len(heap) < _N_EXTREMES:
                heapq.heappush(heap, entry)
            elif entry > heap[0]:
                heapq.heapreplace(heap, entry)

    def outliers(self, usual: tuple[int, int]) -> list[LengthOutlier]:
        """Return the most extreme pairs outside of `usual`, half of them too long, half too short."""
        found = []
        for heap in self._heaps.values():
            outside = [entry for entry in sorted(heap, reverse=True) if is_outlier(entry[-1], usual)]
            for _, _, path, number, pair in outside[: _N_EXAMPLES // 2]:
                ratio = len(pair.foreign) / len(pair.english)
                found.append(LengthOutlier(path, number, ratio, pair.english[:200], pair.foreign[:200]))
        return found


def _audit_file(
    path: Path,
    weight: float,
    read: Read,
    lenient: bool,
    gathered: _Gathered,
) -> FileFigures:
    report = SkipReport(lenient=lenient)
    ratios = LengthRatios()
    n_pairs = n_copied = n_questions = 0
    for block in _blocks(path, read(path, weight=weight, skipped=report)):
        gathered.blocks.add(block)
        for pair in block.pairs:
            n_pairs += 1
            n_copied += pair.english.casefold() == pair.foreign.casefold()
            n_questions += _asks(pair)
            ratios.add(pair)
            gathered.add(pair)
            gathered.extremes.add(pair, str(path), n_pairs)
            gathered.damage.add(pair, f"{path}, pair {n_pairs}")
    gathered.ratios.merge(ratios)
    gathered.remarks.extend(report.remarks)
    return FileFigures(
        path=str(path),
        weight=weight,
        n_pairs=n_pairs,
        n_empty=report.dropped[_EMPTY],
        n_dropped=dict(report.dropped),
        n_malformed=report.n_malformed,
        malformed=report.messages,
        n_copied=n_copied,
        question_share=n_questions / n_pairs,
        length_ratio_median=ratios.quantile(0.5),
    )


def _suspects(bitext: Sequence[tuple[Path, float]], read: Read, lenient: bool) -> Counter[str]:
    pairs = PairTable(pair for path, _ in bitext for pair in read(path, skipped=SkipReport(lenient=lenient)))
    return without_suspects(pairs)[1]


def _n_judged(blocks: Sequence[Block]) -> int:
    pairs = (pair for block in blocks for pair in block.pairs)
    return sum(is_judged(rough_words(pair.english), rough_words(pair.foreign)) for pair in pairs)


def _unmatched(blocks: Sequence[Block]) -> list[UnmatchedPair]:
    places = [
        (block.path, block.first_pair + at, pair) for block in blocks for at, pair in enumerate(block.pairs)
    ]
    chosen = (places[at] for at in unmatched_pairs(blocks))
    return [
        UnmatchedPair(path, number, pair.english[:200], pair.foreign[:200]) for path, number, pair in chosen
    ]


def _blocks(path: Path, pairs: Iterator[SentencePair]) -> Iterator[Block]:
    """Split a file into blocks of consecutive pairs."""
    waiting: list[SentencePair] = []
    first = 1
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == _BLOCK_PAIRS:
            yield Block(str(path), first, tuple(waiting))
            first += len(waiting)
            waiting = []
    if waiting:
        yield Block(str(path), first, tuple(waiting))


def _asks(pair: SentencePair) -> bool:
    return is_question(pair.english) or is_question(pair.foreign)


def _script_shares(characters: Counter[str]) -> dict[str, float]:
    """Share of the letters of each script, largest first."""
    counts: Counter[str] = Counter()
    for character, count in characters.items():
        if name := script(character):
            counts[name] += count
    return {name: count / counts.total() for name, count in counts.most_common()}
