"""Search as tools of a language model, by the Model Context Protocol."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field, RootModel

import opticlir
from opticlir.errors import OpticlirError
from opticlir.records import FieldValue
from opticlir.search.filters import MAX_LETTERS
from opticlir.search.language_routes import AUTO
from opticlir.service.answers import ExplanationAnswer
from opticlir.service.engine import SearchEngine

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")

_MAX_QUERY = 4_000
_MAX_K = 50

_INSTRUCTIONS = """\
Finds English documents for questions in {languages}. Ask in the words of the user: do not translate the question.
`search` finds documents, `get_document` reads one of them, `explain` says which words of the question met which \
English words."""

Question = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_MAX_QUERY,
        description="The question as the user asked it, in its own language.",
    ),
]
LanguageCode = Annotated[
    str, Field(description="Language of the question, such as `swa`; `auto` detects it.", max_length=40)
]
DocumentId = Annotated[str, Field(description="`doc_id` of a search result.", min_length=1, max_length=1_000)]
Count = Annotated[int, Field(ge=1, le=_MAX_K, description="Number of documents.")]


Filter = Annotated[
    str | None,
    Field(
        description='Which documents may be found, by their fields: `year >= 2020 and source = "who"`.',
        max_length=MAX_LETTERS,
    ),
]


class FoundPassage(BaseModel):
    """A document that answers a question."""

    doc_id: str
    title: str
    passage: Annotated[str, Field(description="The part that answers best.")]
    score: float
    fields: Annotated[dict[str, FieldValue], Field(description="Its metadata.")]


class FoundPassages(BaseModel):
    """What a search found."""

    language: Annotated[str, Field(description="Code of ISO 639-3 in which the question was read.")]
    hits: Annotated[list[FoundPassage], Field(description="Best first.")]


class Explained(RootModel[ExplanationAnswer]):
    """Why a document was found."""


class WholeDocument(BaseModel):
    """A document of the index."""

    doc_id: str
    title: str
    text: str
    fields: dict[str, FieldValue]


def mcp_server(engine: SearchEngine) -> MCPServer:
    """Offer an engine as three tools that read and change nothing.

    Args:
        engine: what answers.

    Returns:
        The server; `run()` serves it on stdin and stdout.
    """
    names = dict.fromkeys(language.name for language in engine.languages)
    server = MCPServer(
        "opticlir",
        title="Search in many languages",
        instructions=_INSTRUCTIONS.format(languages=", ".join(names))
        + _said_of(engine.stats()["index"]["fields"]),
        version=opticlir.__version__,
        log_level="ERROR",
    )
    reads = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

    @server.tool(title="Search", annotations=reads)
    @_with_reasons
    def search(
        query: Question,
        language: LanguageCode = AUTO,
        k: Count = 5,
        filter: Filter = None,  # noqa: A002 - the word of the field
    ) -> FoundPassages:
        """Find English documents that answer a question in another language, best first."""
        answer = engine.search(query, language=language, k=k, filter=filter)
        return FoundPassages(
            language=answer.language,
            hits=[
                FoundPassage(
                    doc_id=hit.doc_id, title=hit.title, passage=hit.snippet, score=hit.score,
                    fields=dict(hit.fields),
                )
                for hit in answer.hits
            ],
        )  # fmt: skip

    @server.tool(title="Explain a search result", annotations=reads)
    @_with_reasons
    def explain(query: Question, doc_id: DocumentId, language: LanguageCode = AUTO) -> Explained:
        """Say why a document answers a question: which words met, and what each adds to the score."""
        return Explained(engine.explain(query, doc_id, language=language))

    @server.tool(title="Read a document", annotations=reads)
    @_with_reasons
    def get_document(doc_id: DocumentId) -> WholeDocument:
        """Read one document in full."""
        found = engine.document(doc_id)
        return WholeDocument(
            doc_id=found.doc_id, title=found.title, text=found.text, fields=dict(found.fields)
        )

    return server


def _said_of(fields: dict[str, str]) -> str:
    """What a language model should know of the metadata fields."""
    if not fields:
        return ""
    known = ", ".join(f"{name} ({kind})" for name, kind in fields.items())
    return f" `filter` chooses among the documents by these fields: {known}."


def _with_reasons(answer: Callable[_Arguments, _Answer]) -> Callable[_Arguments, _Answer]:
    """Pass the message of an error on to the language model, which can mend its question."""

    @wraps(answer)
    def tool(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Answer:
        try:
            return answer(*args, **kwargs)
        except OpticlirError as error:
            raise ToolError(str(error)) from None

    return tool
