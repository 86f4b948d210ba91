from opticlir.api import align, compare, evaluate, read_bitext, rerank, train
from opticlir.client import Client
from opticlir.data import read_corpus
from opticlir.encoder import load_model as load
from opticlir.search import MultilingualRetriever, Retriever
from opticlir.training import TrainedModel
from opticlir.translation import question_translator as load_translator

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
__version__: str
