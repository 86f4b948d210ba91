"""A study run: one system on one task in one language with one seed. Each is stored in a folder of its own."""

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

_KIND, _VERSION = "study run", 1

MAKERS = (
    "opticlir.lab.probes", "opticlir.lab.studies.noisy_questions", "opticlir.lab.studies.rankings",
    "opticlir.lab.training",
)  # fmt: skip
"""Source code that decides every run, for any system; see `storage.made_by`."""


@dataclass(frozen=True, kw_only=True)
class StudyRun:
    """A run, which is computed once and found by the content of its inputs."""

    name: str
    """Name of the system in the study."""
    task: str
    """Name of the study's task."""
    language: str
    seed: int | None
    """None for a system without randomness."""
    system: System
    content: Mapping[str, Any]
    """All inputs as plain values: the `system`, what is `asked` of it, and `made_by`."""

    @property
    def asked(self) -> Mapping[str, Any]:
        """Content of the task, ranking, depth and query noise."""
        asked: Mapping[str, Any] = self.content["asked"]
        return asked

    @property
    def key(self) -> str:
        """Name of its folder."""
        return key_of(self.content)

    def plain(self) -> dict[str, Any]:
        """Its names and key, for JSON."""
        return {"system": self.name, "task": self.task, "language": self.language, "seed": self.seed,
                "key": self.key}  # fmt: skip

    def __str__(self) -> str:
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"{self.name}, {self.task}, {self.language}{seed}"


class RunStore:
    """The runs of a study, in `runs/` of its folder. Each is published as a whole.

    Args:
        out: the study's folder.
    """

    def __init__(self, out: Path) -> None:
        self.out = out

    def warn_of_outdated(self) -> None:
        """Warn about runs of earlier versions of opticlir, which are not read."""
        old = sorted(self.out.glob("cells/*"))
        if old:
            logger.warning(
                "%s holds %d runs of an earlier version of opticlir. They are computed again; to free the space, "
                "remove the folder %s",
                self.out, len(old), self.out / "cells",
            )  # fmt: skip

    def folder(self, run: StudyRun) -> Path:
        """Folder of a run."""
        return self.out / "runs" / run.key

    def holds(self, run: StudyRun) -> bool:
        """Whether a run is complete and not damaged."""
        if not self.folder(run).exists():
            return False
        try:
            self.manifest(run)
        except ArtefactError as error:
            logger.warning("%s; it is computed again", error)
            return False
        return True

    def manifest(self, run: StudyRun) -> Manifest:
        """Read the manifest of a run and check its files.

        Raises:
            ArtefactError: the run is missing or damaged.
        """
        return read_artefact(self.folder(run), kind=_KIND, newest_version=_VERSION)

    @contextmanager
    def claimed(self, run: StudyRun) -> Iterator[bool]:
        """Lock a run against other processes. Yields whether it is missing.

        Raises:
            LockedError: another process works on it.
        """
        claims = self.out / "claims"
        with refusals_named(claims):
            make_folders(claims)
        with exclusive_lock(claims / run.key):
            is_there = self.holds(run)
            if not is_there:
                shutil.rmtree(self.folder(run), ignore_errors=True)  # a damaged one
            yield not is_there

    @contextmanager
    def publish(self, run: StudyRun, counts: dict[str, int]) -> Iterator[Path]:
        """Publish the files of a run with their checksums when the block ends.

        Args:
            run: claimed by the caller.
            counts: counts for the manifest; the block may add to them.
        """
        manifest = Manifest(
            kind=_KIND, format_version=_VERSION, config=json.loads(json.dumps(run.content)), seed=run.seed,
            counts=counts, made_by=dict(run.content["made_by"]),
        )  # fmt: skip
        with publish_artefact(self.folder(run), manifest) as draft:
            yield draft
