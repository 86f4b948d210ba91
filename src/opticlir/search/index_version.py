"""One version of an index on disk: the manifest that lists its segments, their tombstones, and what they share."""

import re
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, read_manifest
from opticlir.search.arrays import check_manifest, damaged, read_texts
from opticlir.search.codecs import Codec, Store, is_fitted
from opticlir.search.estimates import ESTIMATOR_FILES, Estimator, read_estimator
from opticlir.search.index_stats import Recall
from opticlir.search.lexical import WEIGHT_FILES
from opticlir.search.live_segment import NONE_DELETED, LiveSegment, read_tombstones, tombstones_of
from opticlir.search.passages import PASSAGES
from opticlir.search.segment import SEGMENT_FILES, Segment, SegmentRecord
from opticlir.search.tokens import CODEC, read_codec
from opticlir.storage import MANIFEST, check_files

KIND = "exact index"
FORMAT, _PASSAGES, _OLDEST = 5, 3, 2
"""1: BM25 without transliteration, which queries no longer match. 2: no passages. 3: float16 and float32 alone.
4: one segment with BM25 weights. 5: segments with counts of grams."""
EMPTY = "empty.json"
"""Ids of documents that were left out, because nothing of them could be encoded."""
_SINCE_5 = {"ids.json", "grams.npy", "postings.bin", "lengths.npy"}
_FOLDER = re.compile(r"\d{6}")


def read_version(path: Path, folder: Path) -> Manifest:
    """Read the manifest of a version, and check its format and counts.

    Args:
        path: the index, for messages.
        folder: one of its versions.

    Raises:
        ArtefactError: the manifest is damaged, or its format is too old or too new.
    """
    manifest = read_manifest(folder / MANIFEST, kind=KIND, newest_version=FORMAT)
    if manifest.format_version < _OLDEST:
        raise ArtefactError(
            f"{path}: an index of format {manifest.format_version}, made by an earlier version of opticlir; "
            f"this one reads formats {_OLDEST} to {FORMAT}: build it again with `opticlir index`"
        )
    check_manifest(manifest, folder)
    if is_fitted(*_stored_as(manifest)) and CODEC not in manifest.files:
        raise damaged(folder / MANIFEST, f"it does not name {CODEC}")
    return manifest


def _stored_as(manifest: Manifest) -> tuple[Store, int, int]:
    """How a number of a stored vector is kept; numbers of an encoder's vector; numbers of a stored one."""
    config = manifest.config
    store: Store = config["store" if "store" in config else "dtype"]  # `dtype` before format 4
    return store, config["dim"], config.get("store_dim", config["dim"])


def codec_of(manifest: Manifest, folder: Path) -> Codec:
    """The codec of a version. Raises ArtefactError: its file is damaged."""
    check_files(folder, {name: each for name, each in manifest.files.items() if name == CODEC})
    return read_codec(folder, *_stored_as(manifest))


def estimator_of(manifest: Manifest, folder: Path, width: int) -> Estimator | None:
    """The estimator of a version; None if it is searched exactly. Raises ArtefactError: its files are damaged."""
    files = {name: each for name, each in manifest.files.items() if name in ESTIMATOR_FILES}
    if not files:
        return None
    if len(files) < len(ESTIMATOR_FILES):
        raise damaged(folder / MANIFEST, f"it does not name {' and '.join(ESTIMATOR_FILES)}")
    check_files(folder, files)
    return read_estimator(folder, width)


def recall_of(manifest: Manifest, folder: Path) -> dict[str, Recall]:
    """What was measured of approximate searches, by language. Raises ArtefactError: the manifest is damaged."""
    try:
        found = {str(code): Recall(**each) for code, each in manifest.config.get("recall", {}).items()}
    except (AttributeError, TypeError):
        found = None
    if found is None or not all(isinstance(each.recall, (int, float)) for each in found.values()):
        raise damaged(folder / MANIFEST, "its 'recall' is wrong")
    return found


def empty_ids_of(manifest: Manifest, folder: Path) -> list[str]:
    """Ids of the documents that were left out; format 2 has only their number.

    Raises:
        ArtefactError: the file is damaged.
    """
    if EMPTY not in manifest.files:
        return []
    check_files(folder, {EMPTY: manifest.files[EMPTY]})
    return read_texts(folder / EMPTY)


def open_segments(
    manifest: Manifest, folder: Path, codec: Codec, opened: Sequence[LiveSegment]
) -> list[LiveSegment]:
    """Open the segments of a version.

    Args:
        manifest: of the version.
        folder: its folder.
        codec: how vectors are written.
        opened: of an earlier version; segments that stayed are taken from there.

    Raises:
        ArtefactError: a file is missing or damaged, or what the manifest says of a segment is wrong.
    """
    known = [each.segment for each in opened]
    live = []
    for record in _records(manifest, folder):
        same = (each for each in known if each.record == record and record.has_counts)
        segment = next(same, None) or Segment(folder / record.folder, record, codec)
        live.append(LiveSegment(segment, _deleted(manifest, folder, record)))
    lacks = [each for each in live if not each.segment.record.has_estimates]
    if lacks and ESTIMATOR_FILES[0] in manifest.files:
        raise damaged(folder / MANIFEST, "it does not name the estimates of a segment")
    if manifest.format_version == FORMAT and any(
        manifest.counts.get(name) != n for name, n in total_counts(live).items()
    ):
        raise damaged(folder / MANIFEST, "its counts are not those of its segments")
    return live


def _deleted(manifest: Manifest, folder: Path, record: SegmentRecord) -> np.ndarray:
    name = tombstones_of(record.folder)
    if name not in manifest.files:
        return NONE_DELETED
    check_files(folder, {name: manifest.files[name]})
    return read_tombstones(folder / name, record.documents)


def total_counts(live: Sequence[LiveSegment]) -> dict[str, int]:
    """Numbers of documents, passages and tokens of all segments; see `StoredPassages.counts`."""
    total = Counter[str]()
    for each in live:
        total.update(each.counts)
    return dict(total)


def record_of(record: SegmentRecord) -> dict[str, Any]:
    """A segment as the manifest has it; its files are with those of the version."""
    return {
        "folder": record.folder, "documents": record.documents, "tokens": record.tokens, "max_norm": record.max_norm
    }  # fmt: skip


def _records(manifest: Manifest, folder: Path) -> list[SegmentRecord]:
    path = folder / MANIFEST
    needed: Set[str] = SEGMENT_FILES
    found: Any = manifest.config.get("segments")
    if manifest.format_version < FORMAT:
        needed = (SEGMENT_FILES - _SINCE_5).union(WEIGHT_FILES)
        if manifest.format_version < _PASSAGES:
            needed = needed - {PASSAGES}
        sizes = {name: manifest.counts.get(name) for name in ("documents", "tokens")}
        found = [{"folder": "", **sizes, "max_norm": manifest.config.get("max_norm")}]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise damaged(path, "its 'segments' are no list")
    records = [_record(each, manifest, needed, path) for each in found]
    if not records or len({each.folder for each in records}) < len(records):
        raise damaged(path, "it names no segment, or one twice")
    return records


def _record(found: dict[str, Any], manifest: Manifest, needed: Set[str], path: Path) -> SegmentRecord:
    match found:
        case {
            "folder": str(name),
            "documents": int(documents),
            "tokens": int(tokens),
            "max_norm": float(max_norm),
        }:
            is_right = (
                bool(_FOLDER.fullmatch(name)) == (manifest.format_version == FORMAT)
                and not isinstance(documents, bool)
                and documents > 0 < tokens
                and 0 <= max_norm < np.inf
            )
        case _:
            is_right = False
    if not is_right:
        raise damaged(path, "'folder', 'documents', 'tokens' or 'max_norm' of a segment is wrong or missing")
    start = f"{name}/" if name else ""
    files = {
        each.removeprefix(start): checksum for each, checksum in manifest.files.items()
        if each.startswith(start) and (name or each not in (CODEC, EMPTY, *ESTIMATOR_FILES))
    }  # fmt: skip
    if missing := needed - files.keys():
        raise damaged(path, f"it does not name {start}{min(missing)}")
    return SegmentRecord(folder=name, documents=documents, tokens=tokens, max_norm=max_norm, files=files)
