"""Draw the picture of the README: a question, the passages that it finds, and the alignment of its words.

make demo
make pictures
"""

import argparse
import textwrap
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from opticlir.data import read_corpus
from opticlir.encoder import load_model
from opticlir.pictures import TokenAlignment, align_texts
from opticlir.pictures.figures import drawing, render
from opticlir.sample import sample_folder
from opticlir.search import Hits, Retriever

QUESTION = "Nichemshe maji ya mto kwa muda gani kabla ya kuyanywa?"
ENGLISH = "How long should I boil river water before we drink it?"
N_HITS = 3
DARK, GREY, BLUE, PALE = "#1f2328", "#59636e", "#0b5cad", "#f3f6fa"


def main() -> None:
    """Build the index of the sample, ask, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="the Swahili model of the demo")
    parser.add_argument("--out", type=Path, required=True, help="PNG file")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    with TemporaryDirectory() as folder:
        retriever = Retriever.build(read_corpus(sample_folder()), model, Path(folder) / "index")
        hits = retriever.search(QUESTION, N_HITS)
    arguments.out.write_bytes(picture(hits, align_texts(model, QUESTION, ENGLISH)))


def picture(hits: Hits, alignment: TokenAlignment) -> bytes:
    """Search on the left, alignment on the right, as a PNG."""
    with drawing():
        figure = Figure(figsize=(12.6, 5.2), facecolor="white")
        _write_search(figure.add_axes((0, 0, 0.5, 1)), hits)
        _draw_alignment(figure.add_axes((0.61, 0.03, 0.385, 0.70)), alignment)
        return _with_few_colours(render(figure, "png").data)


def _with_few_colours(png: bytes) -> bytes:
    """A third of the size, and no difference to the eye."""
    small = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(
        small, "png", optimize=True
    )
    return small.getvalue()


def _write_search(axes: Axes, hits: Hits) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    axes.text(0, 0.97, "Question in Swahili", color=GREY, fontsize=10, va="top")
    axes.text(0, 0.915, hits.question, color=DARK, fontsize=13.5, weight="bold", va="top")
    axes.text(0, 0.845, ENGLISH, color=GREY, fontsize=10.5, style="italic", va="top")
    axes.text(0, 0.745, "English passages found", color=GREY, fontsize=10, va="top")
    for rank, hit in enumerate(hits):
        top = 0.69 - 0.235 * rank
        axes.add_patch(_card(top))
        axes.text(
            0.025,
            top - 0.025,
            f"{rank + 1}   {hit.title}",
            color=BLUE,
            fontsize=11.5,
            weight="bold",
            va="top",
        )
        axes.text(0.975, top - 0.025, f"{hit.score:.2f}", color=GREY, fontsize=10, va="top", ha="right")
        lines = textwrap.wrap(hit.snippet, 90, max_lines=3, placeholder=" …")
        axes.text(0.025, top - 0.078, "\n".join(lines), color=DARK, fontsize=9, va="top", linespacing=1.35)


def _card(top: float) -> Rectangle:
    return Rectangle((0, top - 0.215), 1, 0.215, facecolor=PALE, edgecolor="none")


def _draw_alignment(axes: Axes, alignment: TokenAlignment) -> None:
    shares = alignment.shares
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.xaxis.tick_top()
    axes.set_xticks(range(shares.shape[1]), alignment.english, rotation=45, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(shares.shape[0]), alignment.foreign)
    axes.set_xticks(np.arange(shares.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(shares.shape[0] + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#d5dae1", linewidth=0.6)
    axes.tick_params(which="both", length=0, labelsize=10.5, labelcolor=DARK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, column in np.argwhere(shares >= 0.05):
        share = shares[row, column]
        colour = "white" if share > 0.6 else DARK
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=colour)
    axes.annotate(
        "The English word that each Swahili word stands for, in %", (-0.2, 1.32), xycoords="axes fraction",
        color=GREY, fontsize=10, annotation_clip=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
