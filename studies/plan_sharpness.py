"""Does a sharper transport plan, or another marginal, train a better student?

Every arm trains the same student on the same pairs in the same steps; only the plan under the loss differs.
Measured by AP of the token vectors alone (no BM25), on questions people asked.

    python studies/plan_sharpness.py --data ../shared/data --out runs/plan-sharpness --epochs 0.6

Cells that are done are not done again; seeds come in turn, so that a stopped study has whole seeds. Ends with
two Markdown tables: means and spread over seeds, and each arm's paired difference to the default with a 95 %
interval and Holm-corrected p.
"""

import argparse
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from main_job import CELLS, bitext_arguments, command, scores

from opticlir.cli.libraries import quieten
from opticlir.evaluation import Comparison, compare_systems, correct_family
from opticlir.lab.collections import load_benchmark
from opticlir.storage import write_text_atomically

DEFAULT = "proximal"
ARMS: dict[str, dict[str, Any]] = {
    "sinkhorn .1": {"solver": "sinkhorn", "epsilon": 0.1},
    "sinkhorn .03": {"solver": "sinkhorn", "epsilon": 0.03},
    DEFAULT: {"solver": "proximal"},
    "exact": {"solver": "exact"},
    "proximal, by word": {"solver": "proximal", "marginals": "word"},
}


def cell(
    data: Path, folder: Path, language: str, seed: int, transport: dict[str, Any], epochs: float
) -> Path:
    """Train and measure one student; the folder of its runs."""
    runs = folder / "runs"
    if runs.exists():
        return runs
    settings = "".join(f"{name} = {value!r}\n" for name, value in transport.items())
    config = folder / "train.toml"
    folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(config, f"[transport]\n{settings}")
    bitext = [word for argument in bitext_arguments(data, language) for word in ("--bitext", argument)]
    command(
        "train", *bitext, "--language", language, "--out", str(folder / "model"), "--seed", str(seed),
        "--epochs", str(epochs), "--config", str(config),
    )  # fmt: skip
    benchmark, where, split = CELLS[language]
    command(
        "benchmark", benchmark, "--data", str(data / where), "--model", str(folder / "model"),
        "--language", language, "--split", split, "--runs", str(runs),
    )  # fmt: skip
    return runs


def means(found: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """Markdown: AP per arm and language, mean and spread over seeds."""
    languages = list(next(iter(found.values())))
    lines = ["| plan | " + " | ".join(languages) + " |", "|---|" + "---|" * len(languages)]
    for arm, by_language in found.items():
        values = [[mean(seed.values()) for seed in by_language[language]] for language in languages]
        lines.append(
            f"| {arm} | " + " | ".join(f"{mean(one):.3f} ± {stdev(one):.3f}" for one in values) + " |"
        )
    return "\n".join(lines)


def differences(found: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """Markdown: each arm minus the default; p by paired randomisation, Holm over the whole table."""
    languages = list(found[DEFAULT])
    others = [arm for arm in found if arm != DEFAULT]
    compared = {
        (arm, language): compare_systems(found[arm][language], found[DEFAULT][language])
        for arm in others
        for language in languages
    }
    corrected = dict(zip(compared, correct_family(list(compared.values())), strict=True))
    head = [f"| minus {DEFAULT} | " + " | ".join(languages) + " |", "|---|" + "---|" * len(languages)]
    rows = [
        f"| {arm} | " + " | ".join(_cell(corrected[arm, language]) for language in languages) + " |"
        for arm in others
    ]
    return "\n".join(head + rows)


def _cell(comparison: Comparison) -> str:
    low, high = comparison.interval
    return f"{comparison.mean_difference:+.3f} [{low:+.3f}, {high:+.3f}] p = {comparison.p_holm:.3f}"


def main() -> None:
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--languages", nargs="+", default=["hau", "ibo"], choices=list(CELLS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=float, default=0.6)
    options = parser.parse_args()
    quieten()
    found: dict[str, dict[str, list[dict[str, float]]]] = {
        arm: {language: [] for language in options.languages} for arm in ARMS
    }
    for seed in options.seeds:
        for language in options.languages:
            benchmark, where, split = CELLS[language]
            task = load_benchmark(benchmark, options.data / where, language, split)
            for arm, transport in ARMS.items():
                folder = options.out / f"{language}-{arm.replace(' ', '-').replace(',', '')}-{seed}"
                runs = cell(options.data, folder, language, seed, transport, options.epochs)
                (run,) = runs.glob("*.dense.run")
                found[arm][language].append(scores(task, run))
    sys.stdout.write(f"{means(found)}\n\n{differences(found)}\n")


if __name__ == "__main__":
    main()
