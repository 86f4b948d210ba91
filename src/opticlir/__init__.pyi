from opticlir.api import align, evaluate, train
from opticlir.data import read_bitext, read_corpus
from opticlir.encoder import load_model as load
from opticlir.evaluation import compare_runs as compare
from opticlir.search import Retriever

__all__ = ["Retriever", "align", "compare", "evaluate", "load", "read_bitext", "read_corpus", "train"]
__version__: str
