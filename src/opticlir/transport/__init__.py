"""From two bags of tokens to a transport plan: tensors in, tensors out."""

from opticlir.transport.annealing import annealed_sinkhorn
from opticlir.transport.costs import cosine_cost
from opticlir.transport.exact import exact
from opticlir.transport.importance import inverse_document_frequency, maxsim_spread, punctuation_ids
from opticlir.transport.marginals import by_norm, by_word, excluding, uniform, weighted
from opticlir.transport.plan import TransportPlan
from opticlir.transport.proximal import proximal_point
from opticlir.transport.ragged import RaggedCost
from opticlir.transport.sinkhorn import sinkhorn, unrolled_sinkhorn
from opticlir.transport.unbalanced import partial_sinkhorn, unbalanced_sinkhorn
from opticlir.transport.word_mass import word_mass

__all__ = [
    "RaggedCost",
    "TransportPlan",
    "annealed_sinkhorn",
    "by_norm",
    "by_word",
    "cosine_cost",
    "exact",
    "excluding",
    "inverse_document_frequency",
    "maxsim_spread",
    "partial_sinkhorn",
    "proximal_point",
    "punctuation_ids",
    "sinkhorn",
    "unbalanced_sinkhorn",
    "uniform",
    "unrolled_sinkhorn",
    "weighted",
    "word_mass",
]
