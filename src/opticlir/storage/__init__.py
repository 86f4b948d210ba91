"""Durable writes: after a crash, the disk has either the old version or the new one, never a mixture.

A file is written under a temporary name, synced, and renamed. Its folder is synced after that, so that the
rename survives a power cut. An artefact of several files is built in a temporary folder and published as a
whole: by `publish_folder` if it is written once, by `publish_version` if it is replaced while in use.

Every system call that changes the disk is a method of `filesystem.FileSystem`. The tests replace it by a
double that fails the n-th call, for every n.
"""

from opticlir.storage.files import (
    Checksum,
    DurableFile,
    check_file,
    check_files,
    checksums_of,
    link_file,
    link_tree,
    read_record,
    sha256_file,
    write_bytes_atomically,
    write_file,
    write_text_atomically,
)
from opticlir.storage.folders import move_into_parent, publish_folder
from opticlir.storage.locks import LockedError, SharedLock, exclusive_lock, unless_shared
from opticlir.storage.mapped import MappedFile
from opticlir.storage.results import check_result, write_result
from opticlir.storage.sources import LIBRARIES, is_current, made_by
from opticlir.storage.versions import (
    MANIFEST,
    current_version,
    has_version,
    open_version,
    publish_version,
    version_name,
)

__all__ = [
    "LIBRARIES",
    "MANIFEST",
    "Checksum",
    "DurableFile",
    "LockedError",
    "MappedFile",
    "SharedLock",
    "check_file",
    "check_files",
    "check_result",
    "checksums_of",
    "current_version",
    "exclusive_lock",
    "has_version",
    "is_current",
    "link_file",
    "link_tree",
    "made_by",
    "move_into_parent",
    "open_version",
    "publish_folder",
    "publish_version",
    "read_record",
    "sha256_file",
    "unless_shared",
    "version_name",
    "write_bytes_atomically",
    "write_file",
    "write_result",
    "write_text_atomically",
]
