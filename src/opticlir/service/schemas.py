"""The JSON of requests, and of answers that differ from those of the engine."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from opticlir.data.metadata import MAX_FIELDS, MAX_NAME, FieldReader
from opticlir.records import FieldValue
from opticlir.search import Ranking
from opticlir.search.filters import MAX_LETTERS
from opticlir.search.language_routes import AUTO
from opticlir.service.limits import MAX_ID, MAX_K, MAX_QUERY, MAX_TEXT, MAX_TEXTS

QueryText = Annotated[str, Field(min_length=1, max_length=MAX_QUERY, examples=["Dalili za malaria ni zipi?"])]
Passage = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT, examples=["Boil water before you drink it."])
]


def _kept(fields: dict[str, FieldValue]) -> dict[str, FieldValue]:
    """Refuse metadata that an index would leave out."""
    refused: list[str] = []
    kept = FieldReader(refused.append).read(fields, ())
    if refused:
        raise ValueError(refused[0])
    return kept


Fields = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=MAX_NAME)],
        Annotated[str, Field(max_length=MAX_QUERY)]
        | Annotated[int, Field(ge=-(2**63), lt=2**63)]
        | Annotated[float, Field(allow_inf_nan=False)]
        | bool,
    ],
    AfterValidator(_kept),
    Field(
        max_length=MAX_FIELDS,
        description="Metadata: texts, numbers, true and false.",
        examples=[{"year": 2020}],
    ),
]
DocumentId = Annotated[str, Field(min_length=1, max_length=MAX_ID, examples=["d17"])]
LanguageChoice = Annotated[
    str,
    Field(
        pattern="^[A-Za-z]{2,4}([-_][A-Za-z0-9]{1,8}){0,3}$",
        description="A code of ISO 639, such as `sw` or `swa`; or `auto`: the service finds out.",
        examples=["auto", "swa"],
    ),
]
ModelChoice = Annotated[
    str | None,
    Field(max_length=200, description="Name of a model; without it, the first one of the language."),
]


class Asked(BaseModel):
    """What every request body has: known fields only, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())

    language: LanguageChoice = AUTO
    model: ModelChoice = None


class SearchRequest(Asked):
    """A question."""

    query: QueryText
    k: Annotated[int, Field(ge=1, le=MAX_K, description="Number of hits.")] = 10
    ranking: Ranking = "hybrid"
    explain: Annotated[bool, Field(description="Say of each hit why it was found.")] = False
    translate: Annotated[
        bool, Field(description="Add a machine translation of the question, if there is a translator.")
    ] = False
    filter: Annotated[
        str | None,
        Field(
            max_length=MAX_LETTERS,
            description="Which documents may be found, by their metadata fields; `/v1/stats` names them.",
            examples=['year >= 2020 and source = "who"'],
        ),
    ] = None


class RerankText(BaseModel):
    """A text in the form that Cohere's clients send."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Passage


class RerankRequest(Asked):
    """A question and English texts, in the form of Jina and Cohere."""

    query: QueryText
    documents: Annotated[list[Passage | RerankText], Field(min_length=1, max_length=MAX_TEXTS)]
    top_n: Annotated[int | None, Field(ge=1, description="Number of results; all without it.")] = None
    return_documents: bool = False


class RerankResult(BaseModel):
    """A text and how well it answers."""

    index: Annotated[int, Field(description="Its place among the given documents, from 0.")]
    relevance_score: Annotated[float, Field(ge=0, le=1)]
    document: RerankText | None = None


class RerankResponse(BaseModel):
    """Texts, best first."""

    model: str
    language: str
    results: list[RerankResult]


class AlignRequest(Asked):
    """A question and an English text."""

    query: QueryText
    text: Annotated[
        str, Field(min_length=1, max_length=MAX_QUERY, examples=["What are the signs of malaria?"])
    ]


class EmbeddingsRequest(Asked):
    """Texts to encode, in the form of OpenAI."""

    input: Passage | Annotated[list[Passage], Field(min_length=1, max_length=MAX_TEXTS)]
    input_type: Annotated[
        Literal["query", "document"],
        Field(description="`query`: questions in their language; `document`: English texts."),
    ] = "query"
    encoding_format: Literal["float", "base64"] = "float"
    multi_vector: Annotated[
        bool, Field(description="Return the vector of each token instead of the mean of them.")
    ] = False


class Embedding(BaseModel):
    """The vector of a text, or those of its tokens."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: Annotated[
        list[float] | list[list[float]] | str | list[str],
        Field(description="Of unit length. In base64: float32, little-endian."),
    ]


class Usage(BaseModel):
    """Number of tokens that were encoded."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsResponse(BaseModel):
    """Vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    model: str
    language: str
    data: list[Embedding]
    usage: Usage


class DocumentIn(BaseModel):
    """A document to write."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: DocumentId
    title: Annotated[str, Field(max_length=MAX_QUERY)] = ""
    text: Passage
    fields: Fields = {}


class DocumentsRequest(BaseModel):
    """Documents to write; one with a known id replaces the old one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    documents: Annotated[list[DocumentIn], Field(min_length=1, max_length=MAX_TEXTS)]


class DocumentOut(BaseModel):
    """A document of the index."""

    id: str
    title: str
    text: str
    fields: dict[str, FieldValue] = {}


class DocumentsResponse(BaseModel):
    """Documents of the index."""

    index_version: str
    total: Annotated[int, Field(description="Documents in the index.")]
    documents: list[DocumentOut]


class VersionResponse(BaseModel):
    """The version of the index that is searched now."""

    index_version: str
    total: Annotated[int, Field(description="Documents in the index.")]


class LanguageOut(BaseModel):
    """A language that questions can be in."""

    code: str
    name: str
    model: str


class LanguagesResponse(BaseModel):
    """All languages, in the order in which `auto` prefers their models."""

    languages: list[LanguageOut]


class IndexFacts(BaseModel):
    """Figures of the index."""

    model_config = ConfigDict(extra="allow")

    version: str
    dim: int
    documents: int
    fields: Annotated[dict[str, str], Field(description="What each metadata field holds.")]


class ModelFacts(BaseModel):
    """A model and the languages it reads."""

    name: str
    languages: list[str]


class TranslatorFacts(BaseModel):
    """A machine translator of questions."""

    name: str
    language: str


class StatsResponse(BaseModel):
    """Facts about the service."""

    version: Annotated[str, Field(description="Of opticlir.")]
    index: IndexFacts
    models: list[ModelFacts]
    translators: list[TranslatorFacts]


class Health(BaseModel):
    """Whether the service is alive, or ready."""

    status: Literal["ok"] = "ok"
