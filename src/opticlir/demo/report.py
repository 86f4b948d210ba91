"""The demo as one HTML page."""

from opticlir.demo.result import DemoResult, WorkedSearch
from opticlir.languages import language_name
from opticlir.pictures import (
    Markup,
    Prose,
    Section,
    Table,
    alignment_html,
    curve_charts,
    report_html,
)
from opticlir.pictures.page import escaped, isolated

RANKINGS_NOTE = (
    "Dense is MaxSim over token vectors alone. Hybrid, opticlir's default, adds a tenth of the BM25 score of "
    "the untranslated question (both standardised), since names carry over between languages; BM25 alone is "
    "shown to tell what that is worth. One index, built once with the English teacher, answers every "
    "language and every row."
)
MEASURES_NOTE = (
    "The judgements are graded 0, 1, 2: AP counts 1 and 2 alike as relevant, nDCG gives 2 more weight. "
    "Documents without a judgement count as not relevant. The bitext is in the register of the questions, so "
    "these figures are kinder than those of the benchmarks."
)
_INTRODUCTION = (
    "An English retriever, the teacher, stays as it is, and so does its index of English passages. From "
    "sentence pairs alone, optimal transport teaches a query encoder for each language to place its tokens "
    "where the teacher places the English ones. All texts are the sample that ships with opticlir."
)


def demo_report(result: DemoResult) -> str:
    """The page: figures, curves, searches with their alignments, and what was run."""
    return report_html(
        "opticlir demo: English passages for questions in other languages",
        [
            Section(
                "What was found", [Prose(_INTRODUCTION), demo_table(result), Prose(_comparisons(result))]
            ),
            Section("Training", [_curves(result), Prose(_HOW_CURVES)]),
            Section("Three searches", [Prose(_HOW_SEARCHES), *map(_search, result.searches)]),
            Section("What was run", [Table(("", ""), [list(fact) for fact in result.facts.items()])]),
        ],
    )


_HOW_SEARCHES = (
    "Taken at even distances from the list of questions, not chosen for their answers. Each grid shows which "
    "English words the model reads into the question: it is the transport plan between the question and its "
    "English form, which the search itself never sees."
)


_HOW_CURVES = (
    "Left: the training loss, mean over a batch. Right: how high the right translation ranks among the sentence "
    "pairs kept out of training, as mean reciprocal rank. There are few such pairs, so the curve is coarse."
)


def demo_table(result: DemoResult) -> Table:
    """A row per language and system; opticlir's default set off."""
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
    charts = "\n".join(chart.html() for chart in curve_charts(result.curves))
    return Markup(f'<div class="charts">{charts}</div>')


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
