"""The curves of a run for TensorBoard, while it runs."""

from pathlib import Path
from typing import Any

from opticlir.errors import SetupError
from opticlir.training.events import Evaluated, OnEvent, StepsDone, TrainingEvent


def tensorboard_writer(out: Path) -> OnEvent:
    """Return a callback that writes the events of a run to `out/run/tensorboard`.

    It writes losses, rates, speed and the measures of held-out pairs, by step. A resumed run continues the curves from
    its last checkpoint; later points are removed.

    Args:
        out: the model folder.

    Raises:
        SetupError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional package
    except ImportError:
        raise SetupError("TensorBoard is not installed: pip install 'opticlir[tensorboard]'") from None
    writer: Any = None

    def write(event: TrainingEvent) -> None:
        nonlocal writer
        match event:
            case StepsDone():
                group, values = "train", dict(event.values)
                values |= {
                    name: getattr(event, name)
                    for name in ("pairs_per_second", "tokens_per_second", "seconds_left")
                }
            case Evaluated():
                group, values = "held-out", dict(event.measures)
            case _:
                return
        if writer is None:
            writer = SummaryWriter(str(out / "run" / "tensorboard"), purge_step=event.step)
        for name, value in values.items():
            writer.add_scalar(f"{group}/{name}", value, event.step)
        writer.flush()

    return write
