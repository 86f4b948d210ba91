"""The curves of a run for TensorBoard, as they grow."""

from pathlib import Path
from typing import Any

from opticlir.errors import SetupError
from opticlir.training.trainer import Report


def tensorboard_report(out: Path) -> Report:
    """An observer of a run that writes events to `out/run/tensorboard`.

    Losses, rates, speed and the measures of held-out pairs, by step. A run that is resumed goes on in the
    same curves: what was drawn after its last checkpoint is withdrawn.

    Args:
        out: the model folder to be.

    Raises:
        SetupError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional package
    except ImportError:
        raise SetupError("TensorBoard is not installed: pip install 'opticlir[tensorboard]'") from None
    writer: Any = None

    def report(event: dict[str, Any]) -> None:
        nonlocal writer
        if event["event"] not in ("step", "validation"):
            return
        step = event["step"]
        if writer is None:
            writer = SummaryWriter(str(out / "run" / "tensorboard"), purge_step=step)
        group = "train" if event["event"] == "step" else "held-out"
        for name, value in event.items():
            if isinstance(value, float):
                writer.add_scalar(f"{group}/{name}", value, step)
        writer.flush()

    return report
