"""Low-rank adapters: a language beside one English encoder, which itself stays as it is.

While a student is trained, every adapted layer W gains a product of two narrow matrices that are the only
weights of the encoder that move (LoRA, Hu et al. 2021, arXiv 2106.09685; by peft). When it stands they are
taken out: merged into W, so that the model is one of stock modules, and kept by themselves, so that they fit
into a language pack.
"""

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sentence_transformers import MultiVectorEncoder
from torch import nn

from opticlir.encoder.routes import transformer_of
from opticlir.encoder.vocabulary import Matrix
from opticlir.errors import ArtefactError, SettingsError, SetupError

_POOLER = "pooler"  # makes one vector of a text: no token passes through it
_ADAPTER = "default"  # peft's name for the only one


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """Which adapters a student gains."""

    rank: int = 8
    """Width of the two matrices: a layer from n to m numbers gains rank x (n + m) weights."""
    alpha: float = 16.0
    """Their product counts alpha / rank times."""
    dropout: float = 0.0
    """Of what goes into the first of them."""
    targets: tuple[str, ...] = ()
    """Names of the layers that gain one, as `query` and `value`; none named: every linear layer."""

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank is {self.rank}: expected at least 1")
        if not 0 < self.alpha < math.inf:
            raise ValueError(f"alpha is {self.alpha}: expected a finite number above 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}: expected a share, from 0 to less than 1")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What training added to the layers of an encoder."""

    factors: dict[str, tuple[Matrix, Matrix]]
    """By layer: (rank, inputs) and (outputs, rank) float32; the second times the first is added to its weight."""

    def added_to(self, encoder: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
        """Name and sum, weight and addition, of each layer; the encoder stays as it is.

        Raises:
            ArtefactError: the encoder has no such layer, or one of another size.
        """
        for name, (down, up) in self.factors.items():
            try:
                weight = encoder.get_parameter(f"{name}.weight").detach()
                yield f"{name}.weight", weight + torch.from_numpy(up @ down).to(weight)
            except (AttributeError, RuntimeError, ValueError) as error:
                raise ArtefactError(f"the adapter of {name!r} does not fit this encoder: {error}") from None


def require_peft() -> None:
    """Refuse to begin where adapters cannot be trained.

    Raises:
        SetupError: peft is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise SetupError("adapters need peft: pip install 'opticlir[adapters]'")


def add_adapter(student: MultiVectorEncoder, config: AdapterConfig) -> None:
    """Give the encoder of a student adapters, and let nothing but them be trained.

    As they are drawn they add nothing: the student computes what it did before.

    Args:
        student: changed in place.
        config: which.

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
    """Merge the adapters of a student into its weights, and give them; None where it has none."""
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
    """Add an adapter to the weights of a student. Raises ArtefactError where it does not fit."""
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
    """The factors in float16, as a language pack keeps them: `LAYER.down` and `LAYER.up`."""
    return {
        f"{name}.{side}": factor.astype(np.float16)
        for name, factors in adapter.factors.items()
        for side, factor in zip(("down", "up"), factors, strict=True)
    }


def from_rounded(arrays: dict[str, np.ndarray]) -> Adapter:
    """The adapter that `rounded` was given, as near as float16 keeps it."""
    names = dict.fromkeys(name.rsplit(".", maxsplit=1)[0] for name in arrays)
    return Adapter({
        name: (arrays[f"{name}.down"].astype(np.float32), arrays[f"{name}.up"].astype(np.float32)) for name in names
    })  # fmt: skip
