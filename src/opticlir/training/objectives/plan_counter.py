"""Counts the transport plans of a training that did not converge."""

import torch

from opticlir.transport import TransportPlan

TOLERANCE = 0.01
"""Largest share of misplaced mass in a plan that counts as converged; the same as the tolerance of IPOT."""


class PlanCounter:
    """Counts plans, and those of them that did not converge, since the last `take`.

    For every solver, a plan counts as converged if at most 1 % of its mass is misplaced (`marginal_error`). The
    tolerance of Sinkhorn itself is a hundred times stricter. Unbalanced plans do not move all mass; for them the
    solver's `converged` counts. The counts stay on the device until `take` reads them.
    """

    def __init__(self) -> None:
        self._n_plans, self._n_open = 0, torch.zeros((), dtype=torch.int64)

    def add(self, answer: TransportPlan, *, is_balanced: bool = True) -> None:
        """Count the plans of a batch.

        Args:
            answer: plans of a solver.
            is_balanced: whether all mass must move.
        """
        is_open = answer.marginal_error > TOLERANCE if is_balanced else ~answer.converged
        self._n_plans += len(is_open)
        self._n_open = self._n_open.to(is_open.device) + is_open.sum()

    def take(self) -> tuple[int, int]:
        """Return the number of plans that did not converge, and of all plans. Counting starts again at 0."""
        counts = int(self._n_open), self._n_plans
        self.__init__()  # type: ignore[misc]
        return counts
