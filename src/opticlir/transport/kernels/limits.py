"""Numbers that the plain and the compiled forms of the solvers share."""

import numpy as np

FORBIDDEN = np.float32(1e37)
"""Costs from here on forbid a way, as plus infinity does: float32 has no room to reckon with them. It is finite, so
that differences with it stay numbers. Costs from its negative down are refused, or come back as not converged."""

MARGIN = 0.9
"""Share of a tolerance to aim for: the error that counts is measured at the end, on the rounded plan."""
