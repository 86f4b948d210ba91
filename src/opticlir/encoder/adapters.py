"""Low-rank adapters (LoRA): they train a language without changing the English encoder.

During training, every adapted layer W gets a product of two narrow matrices. Only these are trained (LoRA, Hu et
al. 2021, arXiv 2106.09685; with peft). After training they are merged into W, so that the model has stock modules
only, and kept separately for the language pack.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sentence_transformers import MultiVectorEncoder
from torch import nn

from opticlir.encoder.routes import transformer_of
from opticlir.encoder.vocabulary import Matrix
from opticlir.errors import ArtefactError, SettingsError, SetupError
from opticlir.settings import AT_LEAST_ONE, POSITIVE, SHARE, check_ranges, setting

_POOLER = "pooler"  # pools a text into one vector; token vectors do not use it
_ADAPTER = "default"  # the name that peft gives a single adapter


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Settings of the adapters of a student."""

    rank: int = setting(
        8, "Width of the two matrices. A layer from n to m numbers gets rank x (n + m) weights.", AT_LEAST_ONE
    )
    alpha: float = setting(16.0, "Their product is scaled by alpha / rank.", POSITIVE)
    dropout: float = setting(0.0, "Dropout before the first matrix.", SHARE)
    targets: tuple[str, ...] = setting(
        (), "Names of the adapted layers, such as `query` and `value`; empty means every linear layer."
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True)
class Adapter:
    """The matrices that training added to the layers of an encoder."""

    factors: dict[str, tuple[Matrix, Matrix]]
    """(rank, inputs) and (outputs, rank) float32 matrices by layer. Second times first is added to its weight."""

    def added_to(self, encoder: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield name and adapted weight of each layer. The encoder is not changed.

        Raises:
            ArtefactError: the encoder lacks a layer, or has it in another size.
        """
        for name, (down, up) in self.factors.items():
            try:
                weight = encoder.get_parameter(f"{name}.weight").detach()
                yield f"{name}.weight", weight + torch.from_numpy(up @ down).to(weight)
            except (AttributeError, RuntimeError, ValueError) as error:
                raise ArtefactError(f"the adapter of {name!r} does not fit this encoder: {error}") from None


def require_peft() -> None:
    """Check that adapters can be trained.

    Raises:
        SetupError: peft is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise SetupError("adapters need peft: pip install 'opticlir[adapters]'")


def add_adapter(student: MultiVectorEncoder, config: AdapterConfig) -> None:
    """Add adapters to the encoder of a student, and make everything else untrainable.

    New adapters add nothing, so the student computes the same as before.

    Args:
        student: changed in place.
        config: the settings.

    Raises:
        SetupError: peft is not installed.
        SettingsError: no linear layer has the name of a target.
    """
    require_peft()
    from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 - an extra

    student.requires_grad_(False)
    encoder = transformer_of(student, "query").model
    settings = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout,
        target_modules=_targets(encoder, config.targets),
    )  # fmt: skip
    inject_adapter_in_model(settings, encoder)


def merge_adapter(student: MultiVectorEncoder) -> Adapter | None:
    """Merge the adapters of a student into its weights, and return them; None if it has none."""
    encoder = transformer_of(student, "query").model
    factors = {}
    for name, layer in list(encoder.named_modules()):
        if not hasattr(layer, "lora_A"):
            continue
        down, up = (side[_ADAPTER].weight.detach().float().cpu() for side in (layer.lora_A, layer.lora_B))
        factors[name] = down.numpy().copy(), (up * layer.scaling[_ADAPTER]).numpy()
        layer.merge()
        encoder.set_submodule(name, layer.get_base_layer())
    if not factors:
        return None
    del encoder.peft_config
    return Adapter(factors)


def apply_adapter(student: MultiVectorEncoder, adapter: Adapter) -> None:
    """Add an adapter to the weights of a student. Raises ArtefactError if it does not fit."""
    encoder = transformer_of(student, "query").model
    encoder.load_state_dict(dict(adapter.added_to(encoder)), strict=False)


def _targets(encoder: nn.Module, wanted: tuple[str, ...]) -> list[str]:
    linear = [
        name
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Linear) and _POOLER not in name.split(".")
    ]
    last_names = {name.rsplit(".", maxsplit=1)[-1] for name in linear}
    if unknown := sorted(set(wanted) - last_names):
        raise SettingsError(
            f"adapters: targets names {unknown[0]!r}, but the linear layers of the student are called "
            f"{', '.join(sorted(last_names))}"
        )
    return [name for name in linear if not wanted or name.rsplit(".", maxsplit=1)[-1] in wanted]


def rounded(adapter: Adapter) -> dict[str, np.ndarray]:
    """Return the factors in float16 for a language pack: `LAYER.down` and `LAYER.up`."""
    return {
        f"{name}.{side}": factor.astype(np.float16)
        for name, factors in adapter.factors.items()
        for side, factor in zip(("down", "up"), factors, strict=True)
    }


def from_rounded(arrays: dict[str, np.ndarray]) -> Adapter:
    """Return the adapter from which `rounded` made the arrays, in float16 precision."""
    names = dict.fromkeys(name.rsplit(".", maxsplit=1)[0] for name in arrays)
    return Adapter({
        name: (arrays[f"{name}.down"].astype(np.float32), arrays[f"{name}.up"].astype(np.float32)) for name in names
    })  # fmt: skip
