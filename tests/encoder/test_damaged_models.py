"""Promise 3, for models: any changed byte of a saved model is found before it answers."""

import numpy as np
import pytest

import tiny_models
from opticlir.encoder import load_model
from opticlir.encoder.folder import MODEL_MANIFEST
from opticlir.errors import ArtefactError


def damaged(rng, content):
    """One flipped bit, a lost tail, more bytes, or a run of zeros; never the same bytes."""
    place, kind = int(rng.integers(len(content))), int(rng.integers(10))
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content + rng.bytes(1 + int(rng.integers(8)))
    if kind == 2 and any(content[place : place + 16]):
        zeros = bytes(len(content[place : place + 16]))
        return content[:place] + zeros + content[place + len(zeros) :]
    return content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


def test_every_damage_to_every_file_of_a_model_is_refused_by_name(checkpoints, tmp_path, cases):
    """With `--deep` 2,000 damages; every file in turn, as a searcher opens it."""
    rng = np.random.default_rng(5)
    folder = tiny_models.copy_folder(checkpoints["crosslingual"], tmp_path / "model")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
    sealed = [path for path in files if path.name not in (MODEL_MANIFEST, "README.md")]
    assert len(sealed) >= 8
    for path in sealed:
        content = path.read_bytes()
        for _ in range(cases(6, 1 + 2_000 // len(sealed))):
            path.write_bytes(damaged(rng, content))
            with pytest.raises(ArtefactError) as refused:
                load_model(folder)
            assert path.name in str(refused.value), str(refused.value)
            assert "\n" not in str(refused.value)
        path.write_bytes(content)
    load_model(folder)


def test_a_damaged_list_of_checksums_is_refused(checkpoints, tmp_path):
    folder = tiny_models.copy_folder(checkpoints["crosslingual"], tmp_path / "model")
    path = folder / MODEL_MANIFEST
    content = path.read_bytes()
    for damage in (content[:-20], b"", b"{}", b"[]", content.replace(b'"sha256"', b'"sha255"', 1)):
        path.write_bytes(damage)
        with pytest.raises(ArtefactError, match=MODEL_MANIFEST):
            load_model(folder)
