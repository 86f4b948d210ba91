"""A cell of a study: one arm on one task in one language with one seed, and the place where it is kept."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opticlir.artefacts import key_of
from opticlir.errors import ArtefactError
from opticlir.lab.studies.systems import System
from opticlir.manifest import Manifest, publish_artefact, read_artefact
from opticlir.storage import exclusive_lock
from opticlir.storage.filesystem import make_folders, refusals_named

logger = logging.getLogger(__name__)

_KIND, _VERSION = "study cell", 1

CELL_MAKERS = (
    "opticlir.lab.probes", "opticlir.lab.studies.perturbed", "opticlir.lab.studies.rankings", "opticlir.lab.training"
)  # fmt: skip
"""Source that decides every cell, whatever its system; see `storage.made_by`."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is computed once, and found again by the content of everything that decides it."""

    arm: str
    task: str
    """Name of the study's task."""
    language: str
    seed: int | None
    """None of an arm that has nothing to draw."""
    system: System
    """What answers the questions."""
    content: Mapping[str, Any]
    """Everything that decides the result, as plain values: `system`, what is `asked` of it, and `made_by`."""

    @property
    def asked(self) -> Mapping[str, Any]:
        """Content of the task, ranking, depth, perturbations."""
        asked: Mapping[str, Any] = self.content["asked"]
        return asked

    @property
    def key(self) -> str:
        """Name of its folder."""
        return key_of(self.content)

    def __str__(self) -> str:
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.arm}, {self.task}, {self.language}{seed}"


class CellStore:
    """The cells of a study, in `cells/` of its folder: each is published whole, or is not there.

    Args:
        out: the study's folder.
    """

    def __init__(self, out: Path) -> None:
        self.out = out

    def warn_of_outdated(self) -> None:
        """Name what earlier versions of opticlir left in the folder, which nothing reads any more."""
        old = sorted((self.out / "cells").glob("*/cell.json"))
        if old:
            logger.warning(
                "%s holds %d runs of an earlier version of opticlir. They are computed again; to free the space, "
                "remove the folders of %s/*/cell.json",
                self.out, len(old), self.out / "cells",
            )  # fmt: skip

    def folder(self, cell: Cell) -> Path:
        """Where a cell is kept."""
        return self.out / "cells" / cell.key

    def holds(self, cell: Cell) -> bool:
        """Whether a cell is there, whole; a damaged one is not."""
        if not self.folder(cell).exists():
            return False
        try:
            self.manifest(cell)
        except ArtefactError as error:
            logger.warning("%s; it is made again", error)
            return False
        return True

    def manifest(self, cell: Cell) -> Manifest:
        """The record of a cell, its files checked.

        Raises:
            ArtefactError: the cell is not there, or damaged.
        """
        return read_artefact(self.folder(cell), kind=_KIND, newest_version=_VERSION)

    @contextmanager
    def claimed(self, cell: Cell) -> Iterator[bool]:
        """Be the only one who works on a cell; yields whether there is anything to do.

        Raises:
            LockedError: somebody else works on it.
        """
        claims = self.out / "claims"
        with refusals_named(claims):
            make_folders(claims)
        with exclusive_lock(claims / cell.key):
            is_there = self.holds(cell)
            if not is_there:
                shutil.rmtree(self.folder(cell), ignore_errors=True)  # what is left of a damaged one
            yield not is_there

    @contextmanager
    def publish(self, cell: Cell, facts: dict[str, int]) -> Iterator[Path]:
        """Publish the files of a cell with their checksums when the block ends.

        Args:
            cell: claimed by the caller.
            facts: counts for the manifest; the block may add to them.
        """
        manifest = Manifest(
            kind=_KIND, format_version=_VERSION, config=json.loads(json.dumps(cell.content)), seed=cell.seed,
            counts=facts, made_by=dict(cell.content["made_by"]),
        )  # fmt: skip
        with publish_artefact(self.folder(cell), manifest) as draft:
            yield draft
