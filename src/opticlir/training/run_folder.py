"""The record of one training run, in the folder of its model: `OUT/run/`.

- `run.json`: settings, seed, device, versions and input checksums; `finished` when the model is complete
- `cut.json`: number of sentences that are longer than the encoders read while training
- `plan.json`: number of planned steps, fixed once, so that a resumed run ends at the same step
- `log.jsonl`: one line per logged step and per evaluation on the held-out pairs
- `report.jsonl`: speed, and the alignment of example pairs at each evaluation, for the training report
- `report.html`: the training report, drawn from the files above
- `tensorboard/`: the same for TensorBoard, on request
- `words.txt`: foreign words of the bitext, one per line, the most frequent ones first
- `words.CODE.txt`: the same for each language, if the bitext has several
- `dictionary.tsv`: English and foreign words, if a laboratory setting needs a dictionary made from the bitext
- `checkpoints/`: only while training
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from opticlir.artefacts import key_of
from opticlir.device import choose_device
from opticlir.encoder.folder import check_model_folder
from opticlir.errors import ArtefactError, SetupError
from opticlir.manifest import Manifest, check_same_settings, environment, read_manifest, write_manifest
from opticlir.records import CutSentences
from opticlir.settings import with_defaults
from opticlir.storage import exclusive_lock, made_by, read_record, write_text_atomically
from opticlir.storage.filesystem import refusals_named
from opticlir.storage.names import DRAFT, LOCK
from opticlir.training.checkpoints import last_complete, mark_complete
from opticlir.training.processes import is_rank_zero, on_rank_zero, shared
from opticlir.training.step_log import StepLog

logger = logging.getLogger(__name__)

_KIND, _VERSION = "training run", 1
_BEFORE_PLAN = ("run.json", "cut.json", "log.jsonl", "report.jsonl", "dictionary.tsv", "tensorboard")
"""Files that a run may write before its plan."""
_REPAIR = "choose another output folder (--out) or remove it"


class RunFolder:
    """One run and its files. Rank zero reads and writes, and all processes get the answer.

    Each process must call the same methods in the same order.

    Args:
        out: the model folder; the record is in `out/run`.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / "run"
        self.checkpoints = self.folder / "checkpoints"
        self.report = self.folder / "report.html"
        self.report_log = StepLog(self.folder / "report.jsonl")
        self._log = StepLog(self.folder / "log.jsonl")

    def device(self, wanted: str) -> str:
        """The device of this run: for `auto` the recorded one, if this machine has it.

        Raises:
            SetupError: this machine has no such device.
        """
        recorded = self._recorded_device()
        if wanted == "auto" and recorded is not None:
            with suppress(ValueError):
                return choose_device(recorded)
        try:
            return choose_device(wanted)
        except ValueError as error:
            raise SetupError(str(error)) from None

    def _recorded_device(self) -> str | None:
        with suppress(ArtefactError, OSError):
            return self.settings().get("device")
        return None

    @contextmanager
    def claimed(
        self,
        config: dict[str, Any],
        inputs: dict[str, str],
        *,
        kind: type[Any] | None = None,
        models: dict[str, str] | None = None,
        makers: Iterable[str] = (),
    ) -> Iterator[bool]:
        """Lock the folder for one run, and yield whether that run is finished already.

        Args:
            config: every setting, and the `device` in use.
            inputs: checksums of the input files by name.
            kind: class of the settings. If the record lacks one of them, its default counts; None takes the record
                as it is.
            models: checksums of the encoders by name.
            makers: modules of opticlir that decide the training, in addition to `opticlir.training`.

        Raises:
            ArtefactError: another process trains here, or the folder holds something else or another run.
        """
        if not is_rank_zero():
            yield shared(False)
            return
        source = {"source": key_of(made_by("opticlir.training", *makers))}
        manifest = Manifest(
            kind=_KIND, format_version=_VERSION, config=config, seed=config["seed"],
            inputs=inputs | (models or {}), environment=environment() | source,
        )  # fmt: skip
        with self._claimed_by_rank_zero(manifest, set(models or {}), kind) as finished:
            yield shared(finished)

    @contextmanager
    def _claimed_by_rank_zero(
        self, manifest: Manifest, models: set[str], kind: type[Any] | None
    ) -> Iterator[bool]:
        record, is_new = self.folder / "run.json", not self.out.exists()
        with refusals_named(self.out):
            if not record.exists() and (other := next(self._others(), None)):
                name = other.relative_to(self.out)
                raise ArtefactError(
                    f"{self.out} holds something else ({name}): choose another --out, or empty it"
                )
            self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with exclusive_lock(record):
                if record.exists():
                    yield self._resumed(manifest, models, kind)
                    return
                write_manifest(record, manifest)
                try:
                    yield False
                except BaseException:
                    # before the plan nothing is lost, and the record would refuse the corrected command
                    if not (self.folder / "plan.json").exists():
                        self._withdraw()
                    raise
        except BaseException:
            with suppress(OSError):  # refused if it holds anything
                self.folder.rmdir()
                if is_new:
                    self.out.rmdir()
            raise

    def _others(self) -> Iterator[Path]:
        """Yield other files in `out`; a lock or draft of a killed process is not one of them."""
        for folder in (self.out, self.folder):
            for path in sorted(folder.iterdir()) if folder.exists() else ():
                if path != self.folder and not path.name.endswith((LOCK, DRAFT)):
                    yield path

    def _resumed(self, manifest: Manifest, models: set[str], kind: type[Any] | None) -> bool:
        """Whether the recorded run is finished. Raises ArtefactError if it is another one."""
        old = self._record()
        new_inputs = manifest.inputs
        if models.isdisjoint(old.inputs):  # an earlier version of opticlir did not record them
            new_inputs = {name: each for name, each in new_inputs.items() if name not in models}
        found = with_defaults(kind, old.config) if kind else old.config
        self._check_settings(json.loads(json.dumps(found)), json.loads(json.dumps(manifest.config)))
        self._check_inputs(old.inputs, new_inputs)
        if finished := bool(old.counts.get("finished")):
            self._check_model()
        else:
            _warn_of_changes(old, manifest)
        return finished

    def _withdraw(self) -> None:
        """Remove the files that a run writes before its plan."""
        for path in map(self.folder.joinpath, _BEFORE_PLAN):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @on_rank_zero
    def finish(self, counts: dict[str, int]) -> None:
        """Record that the run is finished, and remove its checkpoints.

        Args:
            counts: for the record.

        Raises:
            ArtefactError: the saved model is incomplete or damaged; the checkpoints are kept.
        """
        check_model_folder(self.out)
        old = self._record()
        write_manifest(self.folder / "run.json", replace(old, counts={**counts, "finished": 1}))
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def settings(self) -> dict[str, Any]:
        """Every setting of the run, as recorded. Raises ArtefactError when the record is missing or damaged."""
        return self._record().config

    @property
    def is_finished(self) -> bool:
        """Whether the model is complete, by the record. Raises ArtefactError as `settings`."""
        return bool(self._record().counts.get("finished"))

    def _record(self) -> Manifest:
        return read_manifest(self.folder / "run.json", kind=_KIND, newest_version=_VERSION)

    def plan(self, make: Callable[[], int]) -> int:
        """Return the number of steps of this run: `make()` the first time, later the recorded number."""
        planned = self._planned()
        return self._write_plan(make()) if planned is None else planned

    @on_rank_zero
    def _planned(self) -> int | None:
        path = self.folder / "plan.json"
        return read_record(path, lambda found: int(found["steps"]), _REPAIR) if path.exists() else None

    @on_rank_zero
    def _write_plan(self, steps: int) -> int:
        write_text_atomically(self.folder / "plan.json", json.dumps({"steps": steps}) + "\n")
        return steps

    @on_rank_zero
    def write_cut(self, cut: CutSentences) -> None:
        """Write how many sentences are cut while training."""
        write_text_atomically(self.folder / "cut.json", json.dumps(asdict(cut)) + "\n")

    def read_cut(self) -> CutSentences | None:
        """How many sentences are cut; None in the record of an earlier version."""
        path = self.folder / "cut.json"
        return read_record(path, lambda found: CutSentences(**found), _REPAIR) if path.exists() else None

    @on_rank_zero
    def write_words(self, words: Iterable[str], language: str = "") -> None:
        """Write the foreign words of the bitext, or those of one of its languages, one per line."""
        name = f"words.{language}.txt" if language else "words.txt"
        write_text_atomically(self.folder / name, "".join(f"{word}\n" for word in words))

    @on_rank_zero
    def dictionary(self, make: Callable[[], Iterable[tuple[str, str]]]) -> Path:
        """Return a file of English and foreign entries: `make()` gives them the first time, later they are recorded."""
        path = self.folder / "dictionary.tsv"
        if not path.exists():
            write_text_atomically(path, "".join(f"{english}\t{foreign}\n" for english, foreign in make()))
        return path

    @on_rank_zero
    def log(self, line: dict[str, Any]) -> None:
        """Append one line to `log.jsonl`."""
        self._log.append(line)

    def read_log(self) -> list[dict[str, Any]]:
        """All lines of `log.jsonl`; a torn last line is left out."""
        return self._log.read()

    @on_rank_zero
    def evaluations(self) -> dict[int, dict[str, float]]:
        """Measures of each evaluation by step; empty if no pair is held out."""
        return {line["step"]: line["validation"] for line in self.read_log() if "validation" in line}

    @on_rank_zero
    def rewind_log(self, step: int) -> None:
        """Remove what was logged after the checkpoint that training resumes from."""
        self._log.rewind(step)
        self.report_log.rewind(step)

    @on_rank_zero
    def complete_checkpoint(self, checkpoint: Path) -> None:
        """Write the checksums of a checkpoint: without them it counts as incomplete."""
        mark_complete(checkpoint)

    @on_rank_zero
    def last_checkpoint(self) -> Path | None:
        """The newest complete checkpoint; incomplete ones are removed."""
        return last_complete(self.checkpoints)

    def _check_model(self) -> None:
        try:
            check_model_folder(self.out)
        except ArtefactError as error:
            raise ArtefactError(
                f"the run in {self.out} is finished, but its model is damaged: {error}; restore it from a copy, "
                "or remove the folder and train again"
            ) from error

    def _check_settings(self, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if wanted.keys() != found.keys() | {"device"}:
            raise ArtefactError(
                f"{self.out} holds a run of another version of opticlir, or of `opticlir lab train`: {_REPAIR}"
            )
        check_same_settings(self.out, *({**each, "device": None} for each in (found, wanted)))

    def _check_inputs(self, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        for name in sorted({*found, *wanted}):
            if found.get(name) != wanted.get(name):
                change = (
                    "is new" if name not in found
                    else "is not given now" if name not in wanted
                    else "has other content now"
                )  # fmt: skip
                raise ArtefactError(f"{self.out} was trained on other files: {name} {change}; {_REPAIR}")


def _warn_of_changes(old: Manifest, new: Manifest) -> None:
    """Warn if the weights of a resumed run will differ from those of an uninterrupted one."""
    for what, before, now in (
        ("torch", old.environment.get("torch"), new.environment["torch"]),
        ("device", old.config.get("device"), new.config["device"]),
    ):
        if before != now:
            logger.warning(
                "this run was begun with %s %s: its weights will differ from those of an uninterrupted run",
                what,
                before,
            )
    if old.environment.get("source") != new.environment["source"]:
        logger.warning(
            "this run was begun with another version of opticlir: its weights will differ from those of an "
            "uninterrupted run"
        )
