"""The geometry of the layers of a model as an HTML page."""

from collections.abc import Mapping, Sequence

from opticlir.pictures import LineChart, Prose, Section, Table, report_html

COLUMNS = {
    "alignment": "alignment",
    "uniformity_english": "unif. eng",
    "uniformity_foreign": "unif. own",
    "uniformity_cross": "unif. both",
    "cosine_margin": "cos margin",
    "csls_to_english": "CSLS to",
    "csls_from_english": "CSLS from",
}
"""Measures of a layer, and their short names."""


def layers_page(model: str, figures: Sequence[Mapping[str, float]]) -> str:
    """Draw the measures of each layer, the word embeddings first.

    Args:
        model: name for the title.
        figures: measures of `COLUMNS` for each layer.
    """

    def chart(title: str, names: Mapping[str, str], top: float | None = None) -> LineChart:
        numbers = [float(number) for number in range(len(figures))]
        lines = {name: (numbers, [each[key] for each in figures]) for key, name in names.items()}
        return LineChart(title, lines, top=top, across="layer")

    shares = {"csls_to_english": "CSLS to English", "csls_from_english": "CSLS from English",
              "cosine_margin": "cosine margin"}  # fmt: skip
    distances = {"alignment": "alignment", "uniformity_foreign": "uniformity",
                 "uniformity_cross": "across languages"}  # fmt: skip
    rows = [[number, *(each[name] for name in COLUMNS)] for number, each in enumerate(figures)]
    return report_html(
        f"Layers of {model}",
        [
            Section("Translations found", [
                Prose("Share of sentences that find their translation, and how much closer translations are than other "
                      "pairs. Layer 0 is the word embeddings."),
                chart("Higher is better", shares, top=1.0),
            ]),
            Section("Closeness and spread", [
                Prose("Alignment: distance between translations. Uniformity: how close the sentences of the language, "
                      "and of both languages, are to each other. Lower is better in all three."),
                chart("Lower is better", distances),
            ]),
            Section("Figures", [Table(("layer", *COLUMNS.values()), rows)]),
        ],
    )  # fmt: skip
