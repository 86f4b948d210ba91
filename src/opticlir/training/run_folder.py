"""The record of one training run, beside the model it makes: `OUT/run/`.

run.json        settings, seed, versions, input checksums; `finished` once the model stands
plan.json       how many steps the budget buys, fixed once, so that a resumed run ends where it would have
log.jsonl       one line per logged step and per look at the held-out pairs
report.jsonl    what the page shows besides: speed, and the alignment of example pairs at each look
report.html     the run as a page; drawn from the files above, and drawn again where it is missing
tensorboard/    the same for TensorBoard, where asked for
words.txt       foreign words of the bitext, one a line
dictionary.tsv  English and foreign words, where the plan or the embeddings have to give a dictionary
checkpoints/    only while training
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from opticlir.encoder.folder import check_model_folder
from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, check_same_settings, environment, read_manifest, write_manifest
from opticlir.storage import check_files, checksums_of, exclusive_lock, write_text_atomically
from opticlir.storage.filesystem import refusals_named
from opticlir.training.processes import by_main, is_main_process, shared
from opticlir.training.step_log import StepLog

logger = logging.getLogger(__name__)

_KIND, _VERSION = "training run", 1
_COMPLETE = "complete.json"


class RunFolder:
    """One run and its files; of several processes the main one reads and writes, and all are told.

    Each process has to call the same methods in the same order.

    Args:
        out: the model folder to be; the record is kept in `out/run`.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / "run"
        self.checkpoints = self.folder / "checkpoints"
        self.page = self.folder / "report.html"
        self.page_log = StepLog(self.folder / "report.jsonl")
        self._log = StepLog(self.folder / "log.jsonl")

    @contextmanager
    def claimed(self, config: dict[str, Any], inputs: dict[str, str]) -> Iterator[bool]:
        """Hold the folder for one run; yields whether that run is finished already.

        Raises:
            ArtefactError: another process trains here, or the folder holds a run with other settings.
        """
        with self._claimed_by_main(config, inputs) if is_main_process() else nullcontext(False) as finished:
            yield shared(finished)

    @contextmanager
    def _claimed_by_main(self, config: dict[str, Any], inputs: dict[str, str]) -> Iterator[bool]:
        record = self.folder / "run.json"
        with refusals_named(self.out):
            others = [path for path in self.out.iterdir() if path != self.folder] if self.out.exists() else []
            if others and not record.exists():
                raise ArtefactError(f"{self.out} holds something else: choose another --out, or empty it")
            self.folder.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(record):
            manifest = Manifest(
                kind=_KIND, format_version=_VERSION, config=config, seed=config["seed"], inputs=inputs
            )
            if record.exists():
                old = read_manifest(record, kind=_KIND, newest_version=_VERSION)
                self._check_same(json.loads(json.dumps(asdict(manifest))), asdict(old))
                if finished := bool(old.counts.get("finished")):
                    self._check_model()
                yield finished
                return
            write_manifest(record, manifest)
            yield False

    @by_main
    def finish(self, counts: dict[str, int]) -> None:
        """Record that the run is finished, and remove its checkpoints.

        Args:
            counts: for the record.

        Raises:
            ArtefactError: the saved model is incomplete or damaged; the checkpoints stay.
        """
        check_model_folder(self.out)
        old = read_manifest(self.folder / "run.json", kind=_KIND, newest_version=_VERSION)
        write_manifest(
            self.folder / "run.json",
            Manifest(kind=_KIND, format_version=_VERSION, config=old.config, seed=old.seed, inputs=old.inputs,
                     counts={**counts, "finished": 1}),
        )  # fmt: skip
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def settings(self) -> dict[str, Any]:
        """Every setting of the run, as recorded. Raises ArtefactError where the record is missing or damaged."""
        return read_manifest(self.folder / "run.json", kind=_KIND, newest_version=_VERSION).config

    def plan(self, make: Callable[[], int]) -> int:
        """Number of steps of this run: `make()` the first time, and the same ever after."""
        planned = self._planned()
        return self._write_plan(make()) if planned is None else planned

    @by_main
    def _planned(self) -> int | None:
        path = self.folder / "plan.json"
        return int(json.loads(path.read_text())["steps"]) if path.exists() else None

    @by_main
    def _write_plan(self, steps: int) -> int:
        write_text_atomically(self.folder / "plan.json", json.dumps({"steps": steps}) + "\n")
        return steps

    @by_main
    def write_words(self, words: Iterable[str]) -> None:
        """Write the foreign words of the bitext, one a line."""
        write_text_atomically(self.folder / "words.txt", "".join(f"{word}\n" for word in words))

    @by_main
    def dictionary(self, make: Callable[[], Iterable[tuple[str, str]]]) -> Path:
        """File of English and foreign entries: those of `make()` the first time, and the same ever after."""
        path = self.folder / "dictionary.tsv"
        if not path.exists():
            write_text_atomically(path, "".join(f"{english}\t{foreign}\n" for english, foreign in make()))
        return path

    @by_main
    def log(self, line: dict[str, Any]) -> None:
        """Append one line to `log.jsonl`."""
        self._log.append(line)

    def read_log(self) -> list[dict[str, Any]]:
        """All lines of `log.jsonl`; a torn last line is left out."""
        return self._log.read()

    @by_main
    def looks(self) -> dict[int, dict[str, float]]:
        """What each look at the held-out pairs found, by the step before it; empty where none are held out."""
        return {line["step"]: line["validation"] for line in self.read_log() if "validation" in line}

    @by_main
    def rewind_log(self, step: int) -> None:
        """Forget what was logged after the checkpoint that training goes on from."""
        self._log.rewind(step)
        self.page_log.rewind(step)

    @by_main
    def seal_checkpoint(self, checkpoint: Path) -> None:
        """Write the checksums of a checkpoint: without them it counts as torn."""
        manifest = Manifest(kind="checkpoint", format_version=1, files=checksums_of(checkpoint))
        write_manifest(checkpoint / _COMPLETE, manifest)

    @by_main
    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that is whole; torn ones are removed, so that nothing resumes from them."""
        found = sorted(self.checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
        for checkpoint in reversed(found):
            try:
                check_files(
                    checkpoint,
                    read_manifest(checkpoint / _COMPLETE, kind="checkpoint", newest_version=1).files,
                )
            except (ArtefactError, OSError):
                logger.warning("%s was not written whole; it is left out", checkpoint)
                shutil.rmtree(checkpoint)
            else:
                return checkpoint
        return None

    def _check_model(self) -> None:
        try:
            check_model_folder(self.out)
        except ArtefactError as error:
            raise ArtefactError(
                f"the run in {self.out} is finished, but its model is damaged: {error}; restore it from a copy, "
                "or remove the folder and train again"
            ) from error

    def _check_same(self, wanted: dict[str, Any], found: dict[str, Any]) -> None:
        for part in ("config", "inputs"):
            check_same_settings(self.out, found[part], wanted[part])
        if found["environment"].get("torch") != environment()["torch"]:
            logger.warning(
                "this run was begun with torch %s: it will not end in the same bits",
                found["environment"].get("torch"),
            )
