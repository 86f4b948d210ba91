"""What a transport solver answers: the plan, and per problem how far it can be trusted."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class TransportPlan:
    """A batch of transport plans with a certificate for each problem.

    Nothing here is NaN. A problem without an answer (a side without mass, a token whose every way is
    forbidden) has the plan 0, the value 0, an infinite `marginal_error` and `duality_gap`, and `converged`
    False.

    For ragged problems the plan and the potentials are flat, laid out like the cost and the marginals.
    """

    plan: Float[Tensor, "batch m n"] | Float[Tensor, " entries"]
    """Mass moved from each source to each target token; detached; exactly 0 at padding. In the dtype of
    the cost; everything else is float32, or float64 for a float64 cost."""

    source_potential: Float[Tensor, "batch m"] | Float[Tensor, " sources"]
    """Dual prices in the units of cost; 0 where there is no mass."""

    target_potential: Float[Tensor, "batch n"] | Float[Tensor, " targets"]
    """Likewise. Mass moves where the cost is about the sum of the two prices."""

    value: Float[Tensor, " batch"]
    """Transport cost, the sum of plan times cost. Its gradient in the cost is the plan."""

    marginal_error: Float[Tensor, " batch"]
    """Misplaced mass: how far row and column sums are off the marginals, added up without sign."""

    duality_gap: Float[Tensor, " batch"]
    """`value` less a lower bound on the exact transport cost: how much an exact plan could save at most,
    and for an entropic plan how much its blur costs. Rounding can make it slightly negative."""

    converged: Bool[Tensor, " batch"]
    """Whether the solver reached the tolerance asked for."""

    n_iterations: Int[Tensor, " batch"]
    """Iterations spent on the problem, in the solver's own unit."""
