"""The errors a user can repair. Wrong arguments in Python raise `ValueError` or `TypeError`.

A message says what was expected, what was found, where, and what to do. The command line prints it as
one line and exits with 1.
"""


class OpticlirError(Exception):
    """Something the user can repair: an input, a setting, an artefact or the installation."""


class DataError(OpticlirError):
    """An input is wrong: a file, a record in it, or a text. The message begins with the path and line, if any."""


class SettingsError(OpticlirError, ValueError):
    """A setting or option is wrong: an unknown language code, a weight below 0, a missing name."""


class ArtefactError(OpticlirError):
    """An index, model, cache or checkpoint is damaged, unsafe, or does not fit the rest."""


class SetupError(OpticlirError):
    """A package, tool, device or disk space is missing. The message says what to install or free."""


class DeadlineError(OpticlirError):
    """The time for an answer is over, and what was being computed has been given up."""


class ServiceError(OpticlirError):
    """A search service cannot be reached, refuses a request, or fails.

    Args:
        message: what it says.
        status: of HTTP; None if there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
