"""The result of a transport solver: the plan, and a certificate for each problem."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TransportPlan:
    """A batch of transport plans with a certificate for each problem.

    Nothing here is NaN. A problem has no solution if a side has no mass, or if all pairs of a token are
    forbidden. Then plan and value are 0, `marginal_error` and `duality_gap` infinite, and `converged` False.
    """

    plan: Float[Tensor, "batch m n"]
    """Mass moved from each source to each target token; detached; exactly 0 at padding. It has the dtype of the
    cost. The other fields are float32, or float64 for a float64 cost."""

    source_potential: Float[Tensor, "batch m"]
    """Dual prices in the units of cost; 0 where there is no mass."""

    target_potential: Float[Tensor, "batch n"]
    """Likewise. Mass moves where the cost is about the sum of the two prices."""

    value: Float[Tensor, " batch"]
    """Transport cost, the sum of plan times cost. Its gradient in the cost is the plan."""

    marginal_error: Float[Tensor, " batch"]
    """Misplaced mass: sum of the absolute differences between row and column sums and the marginals."""

    duality_gap: Float[Tensor, " batch"]
    """`value` minus a lower bound on the exact transport cost: the most that an exact plan could save. For an
    entropic plan, this is the cost of its blur. Rounding can make it slightly negative."""

    converged: Bool[Tensor, " batch"]
    """Whether the solver reached the requested tolerance."""

    n_iterations: Int[Tensor, " batch"]
    """Iterations spent on the problem, in the solver's own unit."""
