"""Counts the transport plans of a training that did not converge."""

import torch

from opticlir.transport import TransportPlan

TOLERANCE = 0.01
"""Largest share of misplaced mass in a plan that counts as converged; it is the tolerance of IPOT itself."""


class PlanCounter:
    """Counts plans, and those that did not converge, since the last `take`.

    A plan counts as converged when at most 1 % of its mass is in the wrong place (`marginal_error`), whatever the
    solver; Sinkhorn's own tolerance is a hundred times stricter. Unbalanced plans leave mass unmoved on purpose:
    for them the solver's own `converged` counts. The counts stay on the device until they are taken.
    """

    def __init__(self) -> None:
        self._n_plans, self._n_open = 0, torch.zeros((), dtype=torch.int64)

    def add(self, answer: TransportPlan, *, is_balanced: bool = True) -> None:
        """Count the plans of a batch.

        Args:
            answer: of a solver.
            is_balanced: whether all mass has to move.
        """
        is_open = answer.marginal_error > TOLERANCE if is_balanced else ~answer.converged
        self._n_plans += len(is_open)
        self._n_open = self._n_open.to(is_open.device) + is_open.sum()

    def take(self) -> tuple[int, int]:
        """Plans that did not converge, and all plans; counting starts again at 0."""
        counts = int(self._n_open), self._n_plans
        self.__init__()  # type: ignore[misc]
        return counts
