"""Transport problems that several tests use."""

from dataclasses import dataclass

import numpy as np
import ot
import torch
from torch import Tensor


@dataclass(frozen=True)
class Case:
    """A batch of transport problems."""

    cost: Tensor
    source: Tensor
    target: Tensor

    def __iter__(self):
        return iter((self.cost, self.source, self.target))

    def double(self):
        """The same in float64, where masses that sum to 1 in float32 only nearly do: they are made to.

        Otherwise the two sides differ by 1e-8, and no iteration comes closer to both than that.
        """
        sides = (mass.double() / mass.double().sum(1, keepdim=True) for mass in (self.source, self.target))
        return Case(self.cost.double(), *sides)

    def select(self, index):
        return Case(self.cost[index], self.source[index], self.target[index])


def random_case(batch, m, n, *, seed, spread=1.0, keep=0.8):
    """Costs in [0, spread], random masses, some tokens without any."""
    generator = torch.Generator().manual_seed(seed)
    cost = spread * torch.rand(batch, m, n, generator=generator)
    sides = []
    for size in (m, n):
        mass = torch.rand(batch, size, generator=generator) + 0.1
        mass = mass * (torch.rand(batch, size, generator=generator) < keep)
        mass[:, 0] += 0.1  # nobody is left without mass
        sides.append(mass / mass.sum(1, keepdim=True))
    return Case(cost, *sides)


def exact_value(cost, source, target):
    """What POT's network simplex, in float64, says that moving all mass costs."""
    a, b = source.double().numpy(), target.double().numpy()
    rows, columns = a > 0, b > 0
    a, b = a[rows] / a.sum(), b[columns] / b.sum()
    return ot.emd2(a, b, np.ascontiguousarray(cost.double().numpy()[rows][:, columns]))
