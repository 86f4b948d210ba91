"""What can go wrong with the world, as opposed to wrong arguments (`ValueError`, `TypeError`).

A message says what was expected, what came, where, and what to do if that is not plain. The command
line prints it as one line and exits with 1.
"""


class OpticlirError(Exception):
    """A condition of the world that the user can repair; never a bug of ours."""


class DataError(OpticlirError):
    """An input file is not what its format says. The message begins with `path:line`."""


class ArtefactError(OpticlirError):
    """An index, model, cache or checkpoint is damaged, unsafe, or does not fit its partner."""


class SetupError(OpticlirError):
    """Something has to be installed or made room for first; the message says what."""
