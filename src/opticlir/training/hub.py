"""Uploads a trained model to a model hub."""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

from opticlir.encoder.folder import check_model_folder, saved_files
from opticlir.errors import SetupError
from opticlir.training.model_card import CARD, named

_RECORD = ("run.json", "cut.json", "plan.json", "log.jsonl", "words.txt", "dictionary.tsv")
"""What of the record is uploaded: no report, since it shows sentences of the bitext, and no checkpoint."""


def push_model(
    folder: Path,
    repo_id: str,
    *,
    token: str | None,
    private: bool | None,
    message: str | None,
    exist_ok: bool,
    revision: str | None,
    create_pr: bool,
) -> str:
    """Upload a model folder in one commit; see `TrainedModel.push_to_hub`.

    Args:
        folder: a finished model.
        repo_id: as there, like all others.
        token: of the hub.
        private: whether only its owners see it.
        message: of the commit.
        exist_ok: whether the repository may exist.
        revision: a branch.
        create_pr: open a pull request.

    Returns:
        Address of the commit, or of the pull request.

    Raises:
        ArtefactError: the folder is damaged.
        SetupError: the hub cannot be reached, or refuses.
    """
    check_model_folder(folder)
    api = HfApi(token=token)
    try:
        repo_id = api.create_repo(repo_id, private=private, exist_ok=exist_ok or create_pr).repo_id
        if revision is not None and not create_pr:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        commit = api.create_commit(
            repo_id,
            list(_operations(folder, repo_id)),
            commit_message=message or "Add a cross-lingual multi-vector model",
            revision=revision,
            create_pr=create_pr,
        )
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SetupError(
            f"{repo_id!r} could not be uploaded ({type(error).__name__}): {reason}; check the name and your token "
            "(`hf auth login`), or give exist_ok=True for a repository of yours that exists"
        ) from error
    return str(commit.pr_url or commit.commit_url)


def _operations(folder: Path, repo_id: str) -> Iterator[CommitOperationAdd]:
    record = folder / "run"
    recorded = [path for name in _RECORD if (path := record / name).is_file()]
    for path in (*saved_files(folder), *recorded, *sorted(record.glob("words.*.txt"))):
        yield CommitOperationAdd(path.relative_to(folder).as_posix(), path)
    yield CommitOperationAdd(CARD, named((folder / CARD).read_text(encoding="utf-8"), repo_id).encode())
