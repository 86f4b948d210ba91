"""Checkpoints of a training: complete ones have their checksums, and others are never resumed from."""

import logging
import re
import shutil
from pathlib import Path

from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, read_manifest, write_manifest
from opticlir.storage import check_files, checksums_of

logger = logging.getLogger(__name__)

_KIND, _VERSION = "checkpoint", 1
_COMPLETE = "complete.json"
_NAME = re.compile("checkpoint-([0-9]+)")


def mark_complete(checkpoint: Path) -> None:
    """Write the checksums of a checkpoint: without them it counts as incomplete."""
    write_manifest(
        checkpoint / _COMPLETE, Manifest(kind=_KIND, format_version=_VERSION, files=checksums_of(checkpoint))
    )


def last_complete(folder: Path) -> Path | None:
    """The newest complete checkpoint of a folder; incomplete and damaged ones are removed, other names left alone."""
    found = {
        int(name[1]): path
        for path in folder.glob("*")
        if (name := _NAME.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()
    }
    for _, checkpoint in sorted(found.items(), reverse=True):
        try:
            manifest = read_manifest(checkpoint / _COMPLETE, kind=_KIND, newest_version=_VERSION)
            check_files(checkpoint, manifest.files)
        except (ArtefactError, OSError):
            logger.warning("%s is incomplete and is ignored", checkpoint)
            shutil.rmtree(checkpoint)
        else:
            return checkpoint
    return None
