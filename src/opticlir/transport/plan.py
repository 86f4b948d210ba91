"""What a transport solver answers: the plan, and per problem how far it can be trusted."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TransportPlan:
    """A batch of transport plans with a certificate for each problem.

    Nothing here is NaN or infinite. A problem without an answer (no mass on a side, every way
    forbidden) has the plan 0 and `converged` False.
    """

    plan: Float[Tensor, "batch m n"]
    """Mass moved from each source to each target token; detached; exactly 0 at padding."""

    source_potential: Float[Tensor, "batch m"]
    """Dual prices in the units of cost; 0 at padding."""

    target_potential: Float[Tensor, "batch n"]
    """Likewise. Plan entries are largest where the cost is the sum of the two prices."""

    value: Float[Tensor, " batch"]
    """Transport cost, the sum of plan times cost; a gradient reaches `cost` through it, never the plan."""

    marginal_error: Float[Tensor, " batch"]
    """Misplaced mass: absolute row and column sums off the marginals, from 0 to 4."""

    duality_gap: Float[Tensor, " batch"]
    """`value` less a lower bound on the exact transport cost: how much a sharper plan could save."""

    converged: Bool[Tensor, " batch"]
    """Whether `marginal_error` is within the tolerance asked for."""

    n_iterations: Int[Tensor, " batch"]
    """Pairs of row and column updates spent on the problem."""
