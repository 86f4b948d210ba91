"""Every durable write: what is on disk is the old version or the new one, never a mixture.

A write goes to a temporary name beside its target, is synced, and takes the target's place by one
rename; the folder is synced after it, so that the rename itself outlives a power cut. An artefact of
several files is built in a folder that nobody looks at, and published whole: `publish_folder` for what
is written once (a model), `publish_version` for what is replaced while it is in use (an index).

Every system call that changes the disk is a method of `filesystem.FileSystem`. The tests put a double in
its place that fails the n-th call, for every n.
"""

from opticlir.storage.files import (
    Checksum,
    DurableFile,
    check_file,
    check_files,
    sha256_file,
    write_bytes_atomically,
    write_file,
    write_text_atomically,
)
from opticlir.storage.folders import publish_folder
from opticlir.storage.locks import FolderHold, HeldError, exclusive_lock, unless_held
from opticlir.storage.versions import MANIFEST, open_version, publish_version

__all__ = [
    "MANIFEST",
    "Checksum",
    "DurableFile",
    "FolderHold",
    "HeldError",
    "check_file",
    "check_files",
    "exclusive_lock",
    "open_version",
    "publish_folder",
    "publish_version",
    "sha256_file",
    "unless_held",
    "write_bytes_atomically",
    "write_file",
    "write_text_atomically",
]
