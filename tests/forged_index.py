"""An index that a stranger changed, with checksums that fit."""

import hashlib
import json
import shutil


def forged(sound, path, change):
    """A copy that `change` alters in its version folder, with checksums that fit."""
    shutil.copytree(sound, path)
    (folder,) = (path / "versions").iterdir()
    change(folder)
    manifest = folder / "manifest.json"
    record = json.loads(manifest.read_text())
    if isinstance(record["files"], dict):
        for name in record["files"]:
            content = (folder / name).read_bytes()
            record["files"][name] = {"n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest.write_text(json.dumps(record))
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    (path / "CURRENT").write_text(f"{folder.name} {digest}\n")
    return path
