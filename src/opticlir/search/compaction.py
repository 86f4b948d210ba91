"""Compaction: which segments are written again as one, so that neither segments nor tombstones pile up.

A log-structured merge: segments are of like size if their numbers of documents have the same power of eight. Eight of
them become one, so a document is copied once for each power of eight of the collection. A segment of which more
than a fifth is deleted is copied alone, so a deletion costs the copy of at most five documents.
"""

from collections.abc import Sequence

from opticlir.search.live_segment import LiveSegment

_LIKE_SIZE = 8
_DELETED = 5
"""A segment is copied when more than one of so many documents is deleted."""


def due(live: Sequence[LiveSegment]) -> list[LiveSegment]:
    """The segments to write as one now; none if nothing is due."""
    for each in live:
        if not each.segment.record.has_counts or len(each.deleted) * _DELETED > each.segment.record.documents:
            return [each]
    powers = [(len(each).bit_length() - 1) // 3 for each in live]
    for power in sorted(set(powers)):
        if powers.count(power) >= _LIKE_SIZE:
            return [each for each, its in zip(live, powers, strict=True) if its == power]
    return []
