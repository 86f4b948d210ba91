"""`opticlir lab benchmark`: a model measured on a published test collection in its original form."""

from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import AsJson, Centre, Device, NumberFormat, Stride, WeightsDtype, Window
from opticlir.cli.benchmark import DenseOnly, Language, ModelName, OtherQueries, Runs, Teacher
from opticlir.lab.cli.app import Split, lab


@lab.command()
def benchmark(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of docs/benchmarks.md, such as xquad, mlqa, afriqa or beir (an unknown name lists all). Or "
            "irds:ID of ir_datasets or mteb:TASK of MTEB, which need no --data."
        ),
    ],
    model: ModelName,
    language: Language,
    data: Annotated[
        Path | None, typer.Option(help="Folder with the files of the collection, in their original form.")
    ] = None,
    split: Split = "dev",
    teacher: Teacher = None,
    queries: OtherQueries = None,
    dense_only: DenseOnly = False,
    runs: Runs = None,
    window: Window = None,
    stride: Stride = None,
    centre: Centre = False,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    as_json: AsJson = False,
) -> None:
    """Measure a model on a published collection: the default ranking, the vectors alone and BM25 alone.

    Example: opticlir lab benchmark afriqa --data afriqa/clir --model swahili --language swa --split test
    """
    from opticlir.cli.benchmark import measure_task
    from opticlir.lab.collections import load_benchmark

    measure_task(
        load_benchmark(name, data, language, split), model,
        teacher=teacher, queries=queries, dense_only=dense_only, runs=runs, window=window, stride=stride,
        centre=centre, options={"device": device, "weights_dtype": weights_dtype.value}, as_json=as_json,
    )  # fmt: skip
