"""Search English documents in any language, from translated sentences alone.

Importing this package loads nothing heavy; each name below loads what it needs when it is first used.
"""

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_HOMES = {
    "Client": "opticlir.client:Client",
    "MultilingualRetriever": "opticlir.search:MultilingualRetriever",
    "Retriever": "opticlir.search:Retriever",
    "TrainedModel": "opticlir.training:TrainedModel",
    "align": "opticlir.api:align",
    "compare": "opticlir.api:compare",
    "evaluate": "opticlir.api:evaluate",
    "load": "opticlir.encoder:load_model",
    "load_translator": "opticlir.translation:question_translator",
    "read_bitext": "opticlir.api:read_bitext",
    "read_corpus": "opticlir.data:read_corpus",
    "rerank": "opticlir.api:rerank",
    "train": "opticlir.api:train",
}
"""Module and attribute behind each public name; `__init__.pyi` says the same to type checkers."""

__all__ = [
    "Client",
    "MultilingualRetriever",
    "Retriever",
    "TrainedModel",
    "align",
    "compare",
    "evaluate",
    "load",
    "load_translator",
    "read_bitext",
    "read_corpus",
    "rerank",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(
            f"module 'opticlir' has no attribute {name!r}: expected one of {', '.join(__all__)}"
        )
    module, _, attribute = _HOMES[name].partition(":")
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
