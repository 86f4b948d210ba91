"""`opticlir lab train`: `opticlir train` with the settings of the laboratory."""

from opticlir.cli.train import Training, train_command
from opticlir.lab.cli.app import lab


def _laboratory() -> Training:
    from opticlir.lab.training import distil, make_config

    return make_config, distil


lab.command(
    help="Train a query encoder as `opticlir train` does, with all settings of the laboratory in --config.\n\n"
    "Example: opticlir lab train --bitext pairs.tsv --language swa --config study.toml --out swahili"
)(train_command(_laboratory))
