"""A trained model on disk, to open, to look at, and to share on a model hub."""

from dataclasses import dataclass
from pathlib import Path

from opticlir.data.markup import html_table
from opticlir.encoder import model_folder
from opticlir.errors import ArtefactError
from opticlir.languages import language_codes, language_name
from opticlir.training.hub import push_model
from opticlir.training.outcome import Outcome, recorded_outcome
from opticlir.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainedModel:
    """A trained model on disk: pass it to `Retriever.build`, `Retriever.open` or `load`."""

    folder: Path
    """The model folder; `folder/run/report.html` shows the training."""
    outcome: Outcome
    """Steps, and measures on held-out pairs before and after."""

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> "TrainedModel":
        """Open a model that opticlir trained, from a folder or from a model hub.

        Args:
            name_or_folder: `user/name` on the hub, or a folder. `load` takes models of other programs too.

        Raises:
            ArtefactError: the folder holds no record of a finished training.
            SetupError: the hub cannot be reached, or has no such model.
        """
        folder = model_folder(name_or_folder)
        return cls(folder, recorded_outcome(RunFolder(folder)))

    def push_to_hub(
        self,
        repo_id: str,
        *,
        token: str | None = None,
        private: bool | None = None,
        commit_message: str | None = None,
        exist_ok: bool = False,
        revision: str | None = None,
        create_pr: bool = False,
    ) -> str:
        """Upload the model, its card and the record of its training, in one commit.

        No sentence leaves this machine: the training report stays here. The words of the bitext and the names and
        checksums of its files are part of the record. `sentence_transformers.MultiVectorEncoder(repo_id)` and
        `opticlir.load(repo_id)` open what is uploaded.

        Args:
            repo_id: `user/name`.
            token: of the hub; None takes the one of `hf auth login`.
            private: whether only its owners see it; None leaves that to the hub.
            commit_message: None names the kind of model.
            exist_ok: whether the repository may exist; then its files are replaced.
            revision: branch, made if need be; None is the main branch.
            create_pr: open a pull request in an existing repository.

        Returns:
            Address of the commit, or of the pull request.

        Raises:
            ArtefactError: the training is not finished, or the folder is damaged.
            SetupError: the hub cannot be reached, or refuses.
        """
        if not self.outcome.is_finished:
            raise ArtefactError(f"{self.folder}: the training is not finished; call train again to resume it")
        return push_model(
            self.folder, repo_id, token=token, private=private, message=commit_message, exist_ok=exist_ok,
            revision=revision, create_pr=create_pr,
        )  # fmt: skip

    def __fspath__(self) -> str:
        return str(self.folder)

    def _repr_html_(self) -> str:
        codes = language_codes(RunFolder(self.folder).settings()["language"])
        names = " and ".join(map(language_name, codes))
        rows = [
            (name, self.outcome.initial.get(name, ""), value) for name, value in self.outcome.trained.items()
        ]
        state = "" if self.outcome.is_finished else ", not finished"
        caption = f"{self.folder}: questions in {names}, {self.outcome.steps:,} steps{state}"
        return html_table(caption, ("held-out pairs", "before training", "trained"), rows)
