"""Numbers that the plain and the compiled forms of the solvers share."""

import numpy as np

FORBIDDEN = np.float32(1e37)
"""Costs from here on forbid a pair, as plus infinity does, because float32 cannot compute with them. It is finite,
so that differences stay numbers. Costs of its negative or less are refused, or the problem does not converge."""

MARGIN = 0.9
"""Share of a tolerance to aim for: the error that counts is measured at the end, on the rounded plan."""
