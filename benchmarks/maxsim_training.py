"""How long does MaxSim within a training batch take, forward and backward?

    OMP_NUM_THREADS=1 python benchmarks/maxsim_training.py

A batch of 64 pairs of 28 tokens each, 384 dimensions: every foreign sentence against every English one, as the
contrastive objective has it. `automatic` leaves the gradient to torch. CPU milliseconds, the least of `--repeats`,
in turn. Scores and gradients of both are compared before they are timed.
"""

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from measuring import environment, print_answer, require

from opticlir.maxsim import maxsim

Form = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def automatic(
    queries: torch.Tensor, query_mask: torch.Tensor, documents: torch.Tensor, document_mask: torch.Tensor
) -> torch.Tensor:
    """MaxSim as one einsum and a maximum."""
    similarity = torch.einsum("qmd,ntd->qnmt", queries, documents)
    best = similarity.masked_fill(~document_mask[None, :, None, :], torch.finfo(queries.dtype).min).amax(3)
    return best.masked_fill(~query_mask[:, None, :], 0.0).sum(2)


def main() -> None:
    """Compare both, time both, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=28)
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    batch, tokens = arguments.batch, arguments.tokens
    generator = torch.Generator().manual_seed(0)
    foreign, english = (
        F.normalize(torch.randn(batch, tokens, 384, generator=generator), dim=2) for _ in range(2)
    )
    mask = torch.arange(tokens) < torch.randint(tokens // 2, tokens + 1, (batch, 1), generator=generator)

    def step(form: Form, *, both: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        queries, documents = foreign.clone().requires_grad_(), english.clone().requires_grad_(both)
        scores = form(queries, mask, documents, mask) / mask.sum(1, keepdim=True)
        F.cross_entropy(scores / 0.05, torch.arange(batch)).backward()
        return scores.detach(), queries.grad

    for ours, theirs in zip(step(maxsim, both=True), step(automatic, both=True), strict=True):
        require(bool(torch.allclose(ours, theirs, rtol=1e-5, atol=1e-7)), "scores and gradients are equal")
    answer: dict[str, float] = {}
    for name, both in (("foreign", False), ("both", True)):
        least = {"ours": float("inf"), "automatic": float("inf")}
        for _ in range(arguments.repeats):
            for form_name, form in (("ours", maxsim), ("automatic", automatic)):
                start = time.process_time()
                step(form, both=both)
                least[form_name] = min(least[form_name], 1e3 * (time.process_time() - start))
        answer |= {f"{name}_{form_name}_ms": value for form_name, value in least.items()}
        answer[f"{name}_ratio"] = least["automatic"] / least["ours"]
    print_answer({**answer, **environment(("torch",))})


if __name__ == "__main__":
    main()
