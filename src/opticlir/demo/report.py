"""The demo as one HTML page."""

from opticlir.data.markup import escaped, isolated
from opticlir.demo.result import DemoResult, WorkedSearch
from opticlir.languages import language_name
from opticlir.pictures import LineChart, Markup, Prose, Section, Table, alignment_html, report_html
from opticlir.training.training_report import held_out_curves, loss_curves

RANKINGS_NOTE = (
    "Dense is MaxSim over token vectors alone. Hybrid, opticlir's default, adds a tenth of the BM25 score of "
    "the untranslated question (both standardised), because names are often the same in both languages. BM25 alone "
    "shows how much that contributes. One index, built once with the English teacher, serves all languages and rows."
)
MEASURES_NOTE = (
    "The judgements have the grades 0, 1 and 2. AP counts both 1 and 2 as relevant; nDCG gives 2 more weight. "
    "Documents without a judgement count as not relevant. The bitext has the style of the questions, so these "
    "figures are higher than those of the benchmarks."
)
_INTRODUCTION = (
    "An English retriever, the teacher, and its index of English passages do not change. A query encoder for each "
    "language learns from sentence pairs alone. Optimal transport moves its tokens to those of the English sentence "
    "by the teacher. All texts are the sample in the package."
)


def demo_report(result: DemoResult) -> str:
    """Return the page: measures, training curves, searches with their alignments, and facts."""
    return report_html(
        "opticlir demo: English passages for questions in other languages",
        [
            Section("Results", [Prose(_INTRODUCTION), demo_table(result), Prose(_comparisons(result))]),
            Section("Training", [_curves(result), Prose(_HOW_CURVES)]),
            Section("Three searches", [Prose(_HOW_SEARCHES), *map(_search, result.searches)]),
            Section("Setup", [Table(("", ""), [list(fact) for fact in result.facts.items()])]),
        ],
    )


_HOW_SEARCHES = (
    "The questions are at even distances in the list, not chosen by their results. Each grid is the transport plan "
    "between a question and its English form: it shows which English words the model reads in the question. The "
    "search does not use the English form."
)


_HOW_CURVES = (
    "Left: the training loss, mean over a batch. Right: the mean reciprocal rank of the right translation among the "
    "held-out sentence pairs. There are few such pairs, so the curve is coarse."
)


def demo_table(result: DemoResult) -> Table:
    """Return a row per language and system; opticlir's default is highlighted."""
    names = list(result.rows[0].measures)
    return Table(
        ("language", "system", "ranking", *names),
        [(row.language, row.system, row.ranking, *row.measures.values()) for row in result.rows],
        note=f"{RANKINGS_NOTE} {MEASURES_NOTE}",
        strong_rows=frozenset(
            number
            for number, row in enumerate(result.rows)
            if (row.system, row.ranking) == ("opticlir", "hybrid")
        ),
    )


def _comparisons(result: DemoResult) -> str:
    return "\n\n".join(result.comparisons())


def _curves(result: DemoResult) -> Markup:
    losses = {
        f"{language}: {term}": curve
        for language, log in result.logs.items()
        for term, curve in loss_curves(log).items()
        if term != "loss"
    }
    held_out = {language: held_out_curves(log).get("RR", ([], [])) for language, log in result.logs.items()}
    charts = LineChart("Training loss", losses), LineChart("Held-out translations (RR)", held_out, top=1.0)
    return Markup('<div class="charts">' + "\n".join(chart.html() for chart in charts) + "</div>")


def _search(search: WorkedSearch) -> Markup:
    hits = "\n".join(
        f'<li>{escaped(hit.title)} <span class="{"relevant" if hit.grade else "note"}">({escaped(hit.verdict)})'
        "</span></li>"
        for hit in search.hits
    )
    return Markup(
        f"<h3>{isolated(search.question)}</h3>\n"
        f'<p class="note">{language_name(search.language)}; in English: {escaped(search.english)}</p>\n'
        f'<ol class="hits">\n{hits}\n</ol>\n{alignment_html(search.alignment)}'
    )
