"""`opticlir search`: answers a question in any language with English passages."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import (
    TRAIN_AND_SEARCH,
    AsJson,
    Device,
    IndexFolder,
    NumberFormat,
    Translator,
    WeightsDtype,
    app,
    print_json,
    say,
)
from opticlir.errors import DataError

if TYPE_CHECKING:
    from opticlir.records import Query
    from opticlir.search import Hits, MultilingualRetriever, Ranking, Retriever
    from opticlir.search.question_models import QuestionModel
    from opticlir.translation import QuestionTranslator

_RUN_DEPTH, _AUTO = 1000, "auto"


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def search(
    index: IndexFolder,
    model: Annotated[
        list[str],
        typer.Option(
            help="Model folder or name; its query route encodes the questions. Repeat it per language."
        ),
    ],
    query: Annotated[
        str | None,
        typer.Argument(
            help="One question. Without it and without --queries, each line of input is a question."
        ),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Documents per question: 10, or 1000 in a run.")
    ] = None,
    filter: Annotated[  # noqa: A002 - the word of the field
        str | None,
        typer.Option(
            help="Which documents may be found, by their fields: 'year >= 2020 and source = \"who\"'."
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Score every document, also in an index for approximate search.")
    ] = False,
    dense_only: Annotated[
        bool,
        typer.Option("--dense-only", help="Rank by the model alone, without BM25."),
    ] = False,
    queries: Annotated[
        Path | None,
        typer.Option(
            exists=True, help="File of questions: TSV, CSV, JSON lines or topics of TREC, CLEF and FIRE."
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the question: any code, such as sw, or auto, as with several models. "
            "With --queries: which topics, if the file has several languages."
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Write the rankings of --queries to this TREC run.")
    ] = None,
    translator: Translator = None,
    by_translation: Annotated[
        bool,
        typer.Option(
            "--by-translation",
            help="Search for the translation of the question, read by the English encoder.",
        ),
    ] = False,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    as_json: AsJson = False,
) -> None:
    """Rank the documents of INDEX for one question, for lines of input, or for a file of questions.

    Without a question, it reads questions from the terminal or a pipe, one per line, until Ctrl-D. With several
    models, each question is read by the model of its language. With a translator, the answer has the translation of
    the question.

    Example: opticlir search index/ --model model/ "Dalili za malaria ni zipi?"
    """
    if query is not None and queries is not None:
        raise typer.BadParameter("give one question, or a file of them with --queries")
    if (queries is None) != (run is None):
        raise typer.BadParameter("--queries and --run go together")
    if by_translation and not translator:
        raise typer.BadParameter("--by-translation needs --translator")
    ranking: Ranking = "dense" if dense_only else "hybrid"
    translators = _translators(translator or [], model, language)
    is_routed = max(len(model), len(translators)) > 1 or language == _AUTO
    is_routed |= queries is None and language is not None and not by_translation
    options: dict[str, Any] = {"exact": exact}
    if by_translation:
        options |= _translated(translators, is_routed=is_routed)
    if queries is not None and run is not None:
        from opticlir.data import read_queries
        from opticlir.storage import check_result

        check_result(run)
        questions = read_queries(queries, None if language == _AUTO else language)
        retriever = _open(index, model, device, weights_dtype, is_routed=is_routed)
        _write_run(retriever, questions, run, k or _RUN_DEPTH, ranking, filter, options)
        if as_json:
            print_json({"queries": len(questions), "ranking": ranking, "run": str(run)})
        else:
            say(f"{run}: {len(questions):,} questions ranked")
        return
    retriever = _open(index, model, device, weights_dtype, is_routed=is_routed)
    if is_routed:
        options["language"] = language or _AUTO

    def answer(question: str) -> "Hits":
        hits = retriever.search(question, k or 10, ranking, filter=filter, **options)
        return hits if by_translation else _with_translation(hits, translators)

    if query is not None:
        _print(answer(query), as_json=as_json)
    else:
        _answer_lines(answer, as_json=as_json)


def _translators(
    specifications: list[str], models: list[str], language: str | None
) -> "dict[str, QuestionTranslator]":
    """Translators by language. A single model must read the language of a single translator, or English."""
    if not specifications:
        return {}
    from opticlir.errors import SettingsError
    from opticlir.languages import language_code
    from opticlir.search.question_models import ENGLISH, languages_of
    from opticlir.translation import question_translators

    found = question_translators(specifications)
    if language not in (None, _AUTO):
        found = {code: each for code, each in found.items() if code == language_code(str(language))}
        if not found:
            raise SettingsError(f"no --translator is for --language {language}")
    if len(models) == len(found) == 1:
        read = languages_of(Path(models[0]).expanduser())
        if not {*found, ENGLISH} & set(read):
            raise SettingsError(
                f"the translator is for {next(iter(found))!r}, the model reads {', '.join(read)}: give a model of the "
                "language, or one that reads English questions"
            )
    return found


def _translated(translators: "dict[str, QuestionTranslator]", *, is_routed: bool) -> dict[str, Any]:
    """The option of a retriever that lets it search for translations."""
    return {"translators": translators} if is_routed else {"translator": next(iter(translators.values()))}


def _with_translation(hits: "Hits", translators: "dict[str, QuestionTranslator]") -> "Hits":
    """Add the translation of the question, if there is a translator from its language."""
    translator = translators.get(hits.language) if hits.language else next(iter(translators.values()), None)
    return replace(hits, translation=translator.translate(hits.question)) if translator else hits


def _open(
    index: Path, models: list[str], device: str, weights_dtype: NumberFormat, *, is_routed: bool
) -> "Retriever | MultilingualRetriever[QuestionModel]":
    from opticlir.search import MultilingualRetriever, Retriever

    if is_routed:
        return MultilingualRetriever.open(index, models, device=device, weights_dtype=weights_dtype.value)
    return Retriever.open(index, models[0], device=device, weights_dtype=weights_dtype.value)


def _answer_lines(answer: "Callable[[str], Hits]", *, as_json: bool) -> None:
    """Answer each line of input. A question without an answer is an error on stderr; the next one is read."""
    n_failed = 0
    for question in _lines():
        try:
            _print(answer(question), as_json=as_json)
        except DataError as error:
            n_failed += 1
            typer.echo(f"error: {error}", err=True)
    if n_failed and not sys.stdin.isatty():
        raise DataError(f"{n_failed} of the questions could not be answered")


def _lines() -> Iterator[str]:
    """Yield each line of input that is not blank. In a terminal, a prompt asks for it."""
    if not sys.stdin.isatty():
        yield from (line for line in sys.stdin if line.strip())
        return
    import readline  # noqa: F401 - with it, `input` can edit the line and recall earlier lines

    while True:
        try:
            question = input("question> ")
        except (EOFError, KeyboardInterrupt):
            typer.echo(err=True)
            return
        if question.strip():
            yield question


def _write_run(
    retriever: "Retriever | MultilingualRetriever[QuestionModel]",
    questions: "list[Query]",
    run: Path,
    k: int,
    ranking: "Ranking",
    condition: str | None,
    options: dict[str, Any],
) -> None:
    from opticlir.cli.progress import progress_bars
    from opticlir.data import write_run

    with progress_bars() as bars:
        rankings = retriever.rank(questions, k, ranking, filter=condition, progress=bars, **options)
    write_run(rankings, run)


def _print(hits: "Hits", *, as_json: bool) -> None:
    if as_json:
        read: dict[str, Any] = {"language": hits.language, "model": hits.model} if hits.language else {}
        if hits.translation:
            read["translation"] = asdict(hits.translation)
        print_json(
            {
                "query": hits.question, **read, "ranking": hits.ranking, "notes": list(hits.notes),
                "hits": [_record(rank, hit) for rank, hit in enumerate(hits, start=1)],
            }
        )  # fmt: skip
    else:
        typer.echo(repr(hits))


def _record(rank: int, hit: Any) -> dict[str, Any]:
    return {
        "rank": rank, "doc_id": hit.doc_id, "score": hit.score, "title": hit.title, "text": hit.text,
        "snippet": hit.snippet, "fields": dict(hit.fields),
    }  # fmt: skip
