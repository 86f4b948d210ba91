"""From two bags of tokens to a transport plan: tensors in, tensors out."""

from opticlir.transport.annealing import annealed_sinkhorn
from opticlir.transport.backends import backend_for
from opticlir.transport.costs import cosine_cost
from opticlir.transport.exact import exact
from opticlir.transport.importance import inverse_document_frequency
from opticlir.transport.marginals import by_word, uniform, weighted
from opticlir.transport.plan import TransportPlan
from opticlir.transport.proximal import proximal_point
from opticlir.transport.sinkhorn import sinkhorn
from opticlir.transport.unbalanced import unbalanced_sinkhorn
from opticlir.transport.word_mass import word_mass

__all__ = [
    "TransportPlan",
    "annealed_sinkhorn",
    "backend_for",
    "by_word",
    "cosine_cost",
    "exact",
    "inverse_document_frequency",
    "proximal_point",
    "sinkhorn",
    "unbalanced_sinkhorn",
    "uniform",
    "weighted",
    "word_mass",
]
