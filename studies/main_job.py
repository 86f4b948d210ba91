"""How well does the main job do on real questions?

For each language: the student trained on all bitext of the language, several seeds, against its own
initialisation, BM25 of the untranslated question, word-by-word translation by a table learned from the
same bitext (with BM25 and with the teacher), and the ceiling, the teacher on the human English question.

    python studies/main_job.py --data ../shared/data --out runs/main-job --minutes 15 --seeds 0 1 2

With `--method` another than the default of `opticlir train`: the published form is `--method optical`.
The minutes are those of the first seed; the others take as many steps as these bought it, so that seeds differ
in nothing else. Cells that are done are not done again. Ends with two Markdown tables (means and spread over
seeds; paired differences with intervals and Holm-corrected p) and `results.json` in the out folder.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from opticlir.artefacts import default_cache_folder
from opticlir.benchmark import run_benchmark
from opticlir.cli.libraries import quieten
from opticlir.data import read_bitext, read_run, write_run
from opticlir.encoder import load_model
from opticlir.evaluation import Comparison, compare_systems, correct_family, evaluate
from opticlir.lab.collections import load_benchmark
from opticlir.lab.rivals import WordTable
from opticlir.records import Query, RetrievalTask, SentencePair
from opticlir.storage import publish_folder, write_text_atomically

QUESTION_WEIGHT = 3  # translated questions count three times beside news: see docs/training.md
CELLS = {
    "hau": ("afriqa", "afriqa/clir", "dev"),
    "ibo": ("afriqa", "afriqa/clir", "dev"),
    "zul": ("afriqa", "afriqa/clir", "dev"),
    "yor": ("afriqa", "afriqa/clir", "train"),
    "spa": ("xquad", "xquad", "dev"),
    "deu": ("xquad", "xquad", "dev"),
}


def bitext_arguments(data: Path, language: str) -> list[str]:
    """Every bitext file of a language; questions weigh more."""
    files = sorted((data / "bitext").glob(f"*.{language}.tsv*"))
    return [f"{path}:{QUESTION_WEIGHT}" if "afriqaq" in path.name else str(path) for path in files]


def command(*words: str) -> dict[str, Any]:
    """Run an opticlir command with --json and parse what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "opticlir", *words, "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def student(
    data: Path, folder: Path, language: str, seed: int, budget: list[str], *, with_ceiling: bool = False
) -> dict[str, Any]:
    """Train one student and measure it; what a finished cell holds is read back."""
    record, runs = folder / "result.json", folder / "runs"
    if not record.exists():
        bitext = [word for argument in bitext_arguments(data, language) for word in ("--bitext", argument)]
        command(
            "train", *bitext, "--language", language, "--out", str(folder / "model"), "--seed", str(seed), *budget
        )  # fmt: skip
    if not runs.exists():
        benchmark, where, split = CELLS[language]
        result = command(
            "benchmark", benchmark, "--data", str(data / where), "--model", str(folder / "model"),
            "--language", language, "--split", split, "--runs", str(runs),
            *(["--teacher", "minilm"] if with_ceiling else []),
        )  # fmt: skip
        write_text_atomically(record, json.dumps(result) + "\n")
    return json.loads(record.read_text())


def translated(task: RetrievalTask, pairs: list[SentencePair], folder: Path) -> dict[str, float]:
    """AP of word-by-word translation, ranked by BM25 and by the teacher, and of the teacher as it is."""
    if not folder.exists():
        table, teacher = WordTable.learn(pairs), load_model("minilm")
        queries = [Query(query.query_id, table.translate(query.text), "eng") for query in task.queries]
        _, runs = run_benchmark(task, teacher, default_cache_folder(), queries=queries)
        _, alone = run_benchmark(task, teacher, default_cache_folder())
        with publish_folder(folder) as draft:
            write_run(runs["bm25"], draft / "word-table.bm25.run")
            write_run(runs["dense"], draft / "word-table.teacher.run")
            write_run(alone["dense"], draft / "as-it-is.teacher.run")
    rivals = {
        "word table, BM25": "word-table.bm25",
        "word table, teacher": "word-table.teacher",
        "teacher, as it is": "as-it-is.teacher",
    }
    return {label: mean(scores(task, folder / f"{name}.run").values()) for label, name in rivals.items()}


def scores(task: RetrievalTask, run: Path) -> dict[str, float]:
    """AP per query of a run file."""
    return evaluate(read_run(run), task.qrels, ["AP"])["AP"]


def comparisons(task: RetrievalTask, out: Path, language: str, seeds: list[int]) -> dict[str, Comparison]:
    """The trained student against its rivals, paired by query, over seeds."""

    def ranked(cell: str, ranking: str) -> dict[str, float]:
        (run,) = (out / f"{language}-{cell}" / "runs").glob(f"*.{ranking}.run")
        return scores(task, run)

    default = [ranked(str(seed), "hybrid") for seed in seeds]
    dense = [ranked(str(seed), "dense") for seed in seeds]
    rivals = out / f"{language}-translated"
    return {
        "dense − initial dense": compare_systems(dense, [ranked("initial", "dense")]),
        "default − initial default": compare_systems(default, [ranked("initial", "hybrid")]),
        "default − BM25, as it is": compare_systems(default, [ranked("initial", "bm25")]),
        "default − word table, BM25": compare_systems(default, [scores(task, rivals / "word-table.bm25.run")]),
        "dense − word table, teacher": compare_systems(dense, [scores(task, rivals / "word-table.teacher.run")]),
    }  # fmt: skip


def row(
    data: Path, out: Path, language: str, seeds: list[int], budget: list[str], method: list[str]
) -> dict[str, Any]:
    """All figures of one language."""
    benchmark, where, split = CELLS[language]
    task = load_benchmark(benchmark, data / where, language, split)
    pairs = [
        pair
        for argument in bitext_arguments(data, language)
        for pair in read_bitext(Path(argument.split(".tsv:")[0] + ".tsv" if ".tsv:" in argument else argument),
                                language=language, weight=QUESTION_WEIGHT if ".tsv:" in argument else 1.0)
    ]  # fmt: skip
    initial = student(data, out / f"{language}-initial", language, 0, ["--epochs", "0"], with_ceiling=True)
    first, *others = seeds
    trained = [student(data, out / f"{language}-{first}", language, first, [*budget, *method])]
    plan = json.loads((out / f"{language}-{first}" / "model/run/plan.json").read_text())
    equal = ["--steps", str(plan["steps"]), *method]
    trained += [student(data, out / f"{language}-{seed}", language, seed, equal) for seed in others]
    return {
        "pairs": len(pairs), "queries": trained[0]["queries"],
        "default": [result["AP"] for result in trained], "dense": [result["dense"]["AP"] for result in trained],
        "initial default": initial["AP"], "initial dense": initial["dense"]["AP"],
        "BM25, as it is": initial["bm25"]["AP"], **translated(task, pairs, out / f"{language}-translated"),
        "ceiling": initial["english"]["AP"], "unseen": initial["unseen_query_words"],
    }  # fmt: skip


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Markdown: one line per language, mean and spread over seeds."""
    names = [name for name in next(iter(rows.values())) if name not in ("pairs", "queries", "unseen")]
    lines = ["| | pairs | " + " | ".join(names) + " | share |", "|---|" + "---|" * (len(names) + 2)]
    for language, values in rows.items():
        cells = [_cell(values[name]) for name in names]
        share = mean(values["default"]) / values["ceiling"]
        lines.append(f"| {language} | {values['pairs']:,} | " + " | ".join(cells) + f" | {share:.0%} |")
    return "\n".join(lines)


def differences(found: dict[str, dict[str, Comparison]]) -> str:
    """Markdown: AP differences with 95 % intervals; p by paired randomisation, Holm over the whole table."""
    names = list(next(iter(found.values())))
    corrected = iter(correct_family([cell for row in found.values() for cell in row.values()]))
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for language in found:
        cells = [_difference(next(corrected)) for _ in names]
        lines.append(f"| {language} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _difference(comparison: Comparison) -> str:
    low, high = comparison.interval
    p = "p < .001" if comparison.p_holm < 0.001 else f"p = {comparison.p_holm:.3f}"
    return f"{comparison.mean_difference:+.3f} [{low:+.3f}, {high:+.3f}] {p}"


def _cell(value: Any) -> str:
    if not isinstance(value, list):
        return f"{value:.3f}"
    return f"{mean(value):.3f} ± {stdev(value):.3f}" if len(value) > 1 else f"{value[0]:.3f}"


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--languages", nargs="+", default=list(CELLS), choices=list(CELLS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--method", help="of opticlir train, its own default where none is given")
    options = parser.parse_args()
    quieten()
    budget = (
        ["--minutes", str(options.minutes)] if options.epochs is None else ["--epochs", str(options.epochs)]
    )
    method = ["--method", options.method] if options.method else []
    rows, found = {}, {}
    for language in options.languages:
        rows[language] = row(options.data, options.out, language, options.seeds, budget, method)
        write_text_atomically(options.out / "results.json", json.dumps(rows, indent=2) + "\n")
        benchmark, where, split = CELLS[language]
        task = load_benchmark(benchmark, options.data / where, language, split)
        found[language] = comparisons(task, options.out, language, options.seeds)
    sys.stdout.write(f"{table(rows)}\n\n{differences(found)}\n")


if __name__ == "__main__":
    main()
