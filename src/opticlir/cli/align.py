"""`opticlir align`: which English words the model aligns with foreign words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import (
    TRAIN_AND_SEARCH,
    AsJson,
    Device,
    NumberFormat,
    WeightsDtype,
    app,
    print_json,
    say,
)

if TYPE_CHECKING:
    from opticlir.pictures import TokenAlignment


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def align(
    foreign: Annotated[str, typer.Argument(help="A text in the language of the queries.")],
    english: Annotated[str, typer.Argument(help="Its meaning in English.")],
    model: Annotated[str, typer.Option(help="Model folder, hub name, minilm or e5.")],
    png: Annotated[Path | None, typer.Option(help="Draw the alignment into this PNG file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the alignment into this HTML page.")] = None,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    as_json: AsJson = False,
) -> None:
    """Show the transport plan between the tokens of a text and of its English meaning.

    Each row shows, in percent, to which English tokens a foreign token goes. A token with a dot before it continues
    the word of the token above it or to its left.

    Example: opticlir align --model swahili "Dalili za malaria ni zipi?" "What are the signs of malaria?"
    """
    if png is not None:
        from opticlir.pictures import require_matplotlib

        require_matplotlib()
    alignment = _align(model, device, weights_dtype, foreign, english)
    if png is not None:
        _draw(alignment, png)
    if html is not None:
        _write_page(alignment, html, foreign, english)
    if as_json:
        print_json(
            {
                "foreign": alignment.foreign, "english": alignment.english, "plan": alignment.plan.tolist(),
                "cost": alignment.cost, "is_cut": alignment.is_cut,
            }
        )  # fmt: skip
    else:
        from rich.console import Console

        from opticlir.pictures import alignment_lines

        console = Console()
        console.print(alignment_lines(alignment, width=console.width))


def _align(
    model: str, device: str, weights_dtype: NumberFormat, foreign: str, english: str
) -> "TokenAlignment":
    from opticlir.encoder import load_model
    from opticlir.pictures import align_texts

    return align_texts(load_model(model, device=device, weights_dtype=weights_dtype.value), foreign, english)


def _draw(alignment: "TokenAlignment", path: Path) -> None:
    from opticlir.pictures import alignment_png
    from opticlir.storage import write_result

    write_result(path, alignment_png(alignment).data)
    say(f"{path}: picture written", err=True)


def _write_page(alignment: "TokenAlignment", path: Path, foreign: str, english: str) -> None:
    from opticlir.pictures import alignment_page
    from opticlir.storage import write_result

    write_result(path, alignment_page(alignment, foreign, english))
    say(f"{path}: page written", err=True)
