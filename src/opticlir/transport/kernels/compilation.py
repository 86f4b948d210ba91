"""How kernels are compiled, and how a compiled one is found again without trusting a stale one."""

import hashlib
from pathlib import Path

COMPILED = {"nogil": True, "error_model": "numpy"}
"""Without the interpreter's lock; division by zero gives infinity, as everywhere outside Python."""

INLINE = {**COMPILED, "forceinline": True}
"""For what runs in each iteration: handing a slot on would cost as much as the work itself."""

ENTRY = {**COMPILED, "cache": True}
"""For what Python calls: kept on disk, since it takes some ten seconds to compile."""


def source_fingerprint() -> int:
    """A number that changes with any kernel's source.

    Numba notices changes in the file of the function it caches, but not in the functions that one calls.
    It does count what a function closes over, so an entry point closes over this.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")
