"""From two bags of tokens to a transport plan: tensors in, tensors out."""

from opticlir.transport.costs import cosine_cost
from opticlir.transport.marginals import uniform, weighted
from opticlir.transport.plan import TransportPlan
from opticlir.transport.proximal import proximal_point
from opticlir.transport.ragged import RaggedCost
from opticlir.transport.sinkhorn import sinkhorn, unrolled_sinkhorn

__all__ = [
    "RaggedCost",
    "TransportPlan",
    "cosine_cost",
    "proximal_point",
    "sinkhorn",
    "uniform",
    "unrolled_sinkhorn",
    "weighted",
]
