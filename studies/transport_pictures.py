"""What do the solvers make of one sentence pair? The pictures of docs/transport.md.

    make demo
    python studies/transport_pictures.py --model demo-run/swa --out docs/pictures

Token vectors of a cross-lingual model, cosine costs; the marginals are uniform but where a panel says otherwise.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from opticlir.encoder import Piece, encode_pieces, load_model
from opticlir.pictures.figures import drawing, render
from opticlir.transport import (
    TransportPlan,
    by_word,
    cosine_cost,
    exact,
    partial_sinkhorn,
    proximal_point,
    sinkhorn,
    uniform,
)

FOREIGN = "Mpe mtoto maji safi mara kwa mara ikiwa anaharisha."
ENGLISH = "Give the child clean water often if he has diarrhoea."
BLUE, ORANGE, GREY = "#0b5cad", "#b3520f", "#5b6472"


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation, token by token."""

    foreign: Sequence[Piece]
    english: Sequence[Piece]
    cost: torch.Tensor
    """(1, m, n)"""

    @classmethod
    def encoded(cls, model_folder: str) -> "Pair":
        """The pair of this study as a model sees it."""
        model = load_model(model_folder)
        foreign, english = encode_pieces(model, FOREIGN, "query"), encode_pieces(model, ENGLISH, "document")
        cost = cosine_cost(torch.from_numpy(foreign.tokens)[None], torch.from_numpy(english.tokens)[None])
        return cls(foreign.pieces, english.pieces, cost)

    @property
    def tokens(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Uniform marginals."""
        return _both(lambda pieces: uniform(_mask(pieces)), self)

    @property
    def words(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Marginals by word."""
        return _both(lambda pieces: by_word(_mask(pieces), _word_ids(pieces)), self)


def _both(
    marginal: Callable[[Sequence[Piece]], torch.Tensor], pair: Pair
) -> tuple[torch.Tensor, torch.Tensor]:
    return marginal(pair.foreign), marginal(pair.english)


def _mask(pieces: Sequence[Piece]) -> torch.Tensor:
    return torch.ones(1, len(pieces), dtype=torch.bool)


def _word_ids(pieces: Sequence[Piece]) -> torch.Tensor:
    begins = torch.tensor([[not piece.is_continuation for piece in pieces]])
    return begins.long().cumsum(dim=1)


def draw_plans(pair: Pair) -> Figure:
    """The same pair by six solvers: how much of a token's mass goes where."""
    plans = {
        "sinkhorn, epsilon .1": sinkhorn(pair.cost, *pair.tokens, epsilon=0.1),
        "sinkhorn, epsilon .03": sinkhorn(pair.cost, *pair.tokens, epsilon=0.03, max_iterations=2000),
        "proximal_point, 50 steps": proximal_point(pair.cost, *pair.tokens),
        "exact": exact(pair.cost, *pair.tokens),
        "proximal_point, marginals by_word": proximal_point(pair.cost, *pair.words),
        "partial_sinkhorn, mass .7, epsilon .03": partial_sinkhorn(
            pair.cost, *pair.tokens, epsilon=0.03, mass=0.7, max_iterations=2000
        ),
    }
    m, n = pair.cost.shape[1:]
    figure = Figure(figsize=(0.27 * n * 3 + 2.2, 0.27 * m * 2 + 3.2), layout="constrained")
    grid = figure.subplots(2, 3, sharex=True, sharey=True)
    for axes, (name, answer) in zip(grid.flat, plans.items(), strict=True):
        _draw_plan(axes, name, answer)
    for axes in grid[:, 0]:
        axes.set_yticks(range(m), list(map(_label, pair.foreign)), fontsize=8)
    for axes in grid[0]:
        axes.tick_params(labeltop=True, labelbottom=False)
        axes.set_xticks(range(n), list(map(_label, pair.english)), fontsize=8, rotation=90)
    return figure


def _draw_plan(axes: Axes, name: str, answer: TransportPlan) -> None:
    """Shades are in units of the mass that a token has where all have the same."""
    plan = answer.plan[0]
    axes.imshow(plan * len(plan), cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
    axes.set_title(name, fontsize=9, loc="left", color=BLUE)
    gap = max(answer.duality_gap.item(), 0.0)
    axes.set_xlabel(f"cost {answer.value.item():.3f}, at most {gap:.3f} too much", fontsize=8, color=GREY)
    axes.tick_params(length=0, labelbottom=False)
    axes.set_xticks([column - 0.5 for column in range(plan.shape[1])], minor=True)
    axes.set_yticks([row - 0.5 for row in range(plan.shape[0])], minor=True)
    axes.grid(which="minor", color="#d5dae1", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _label(piece: Piece) -> str:
    return f"·{piece.text}" if piece.is_continuation else piece.text


def draw_certificates(pair: Pair) -> Figure:
    """How the cost of a plan and the lower bound that comes with it close in on the truth."""
    iterations = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200]
    solvers: dict[str, tuple[str, Callable[[int], TransportPlan]]] = {
        "sinkhorn, epsilon .1": (
            ORANGE,
            lambda n: sinkhorn(pair.cost, *pair.tokens, epsilon=0.1, max_iterations=n, tolerance=0.0),
        ),
        "proximal_point": (BLUE, lambda n: proximal_point(pair.cost, *pair.tokens, max_iterations=n)),
    }
    figure = Figure(figsize=(8, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    for name, (colour, solve) in solvers.items():
        answers = [solve(n) for n in iterations]
        values = [answer.value.item() for answer in answers]
        bounds = [answer.value.item() - answer.duality_gap.item() for answer in answers]
        left.fill_between(iterations, bounds, values, color=colour, alpha=0.2)
        left.plot(iterations, values, color=colour, label=f"{name}: cost of its plan")
        left.plot(iterations, bounds, color=colour, linestyle="--", label=f"{name}: no plan is below")
        errors = [max(answer.marginal_error.item(), 1e-8) for answer in answers]
        right.loglog(iterations, errors, color=colour)
    left.axhline(exact(pair.cost, *pair.tokens).value.item(), color=GREY, linewidth=0.8, label="exact")
    left.set_xscale("log")
    left.set_title("transport cost", loc="left", fontsize=11)
    right.set_title("marginal error (misplaced mass)", loc="left", fontsize=11)
    for axes in (left, right):
        axes.set_xlabel("iterations")
        axes.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
        axes.minorticks_off()
        axes.grid(color="#e3e7ec", linewidth=0.7)
    right.yaxis.set_major_formatter("{x:g}")  # our drawings typeset no formulas, such as powers of ten
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def main() -> None:
    """Draw both pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="folder of a Swahili model")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    arguments = parser.parse_args()
    pair = Pair.encoded(arguments.model)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with drawing("".join(piece.text for piece in (*pair.foreign, *pair.english))):
        for name, draw in {
            "transport_plans": draw_plans,
            "transport_certificates": draw_certificates,
        }.items():
            (arguments.out / f"{name}.png").write_bytes(render(draw(pair), "png").data)


if __name__ == "__main__":
    main()
