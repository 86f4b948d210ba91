"""What a search returns: ranked documents, with a readable form for terminals and notebooks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

from opticlir.data.markup import html_table
from opticlir.languages import language_name
from opticlir.records import FieldValue, Ranking, Translation
from opticlir.search.explanation import Explanation
from opticlir.visible import visible

HEADINGS = ("rank", "score", "id", "title", "passage")
"""Of a table of hits."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked document."""

    doc_id: str
    score: float
    """Higher is better. Compare scores only within one answer."""
    title: str
    text: str
    snippet: str
    """The passage of the text that answers best, about 240 characters."""
    explanation: Explanation | None = None
    """Why it was found, where the search was asked to say so."""
    fields: Mapping[str, FieldValue] = field(default_factory=dict, hash=False)
    """Its metadata, such as year and source."""

    def _repr_html_(self) -> str:
        heading = f"{self.doc_id}: {self.title}" if self.title else self.doc_id
        names = ("score", *self.fields, "text")
        table = html_table(heading, names, [(self.score, *map(_shown, self.fields.values()), self.text)])
        return table + (self.explanation._repr_html_() if self.explanation else "")


@dataclass(frozen=True, slots=True)
class Hits(Sequence[Hit]):
    """The answer to one question: hits, best first. A sequence: `hits[0].title`, `for hit in hits`."""

    question: str
    ranking: Ranking
    hits: tuple[Hit, ...]
    notes: tuple[str, ...] = ()
    """Notes on this answer, for example that the question is longer than the model reads."""
    language: str = ""
    """ISO 639-3 code of the question's language, of a `MultilingualRetriever`."""
    model: str = ""
    """Name of the model that read the question, of a `MultilingualRetriever`."""
    translation: Translation | None = None
    """The question in English, where a machine translated it."""

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, position: int) -> Hit: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, position: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[position]

    def __repr__(self) -> str:
        lines = [f"{language_name(self.language)}, read by {self.model}"] if self.language else []
        if self.translation:
            lines.append(f"{self.translation.translator}: {visible(self.translation.text)}")
        lines += [f"note: {note}" for note in self.notes]
        if not self.hits:
            return "\n".join([*lines, "nothing found"])
        for rank, hit in enumerate(self.hits, start=1):
            lines.append(f"{rank:>3}  {hit.score:8.3f}  {visible(hit.doc_id)}  {visible(hit.title)}".rstrip())
            if hit.fields:
                lines.append(f"     {described(hit.fields)}")
            lines.append(f"     {visible(hit.snippet)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        names = tuple(dict.fromkeys(name for hit in self.hits for name in hit.fields))
        rows = (
            (
                rank,
                hit.score,
                hit.doc_id,
                hit.title,
                *(_shown(hit.fields.get(name, "")) for name in names),
                hit.snippet,
            )
            for rank, hit in enumerate(self.hits, start=1)
        )
        translated = (f"{self.translation.translator}: {self.translation.text}",) if self.translation else ()
        headings = (*HEADINGS[:-1], *names, HEADINGS[-1])
        return html_table(self.question, headings, rows, (*translated, *self.notes))


def described(fields: Mapping[str, FieldValue]) -> str:
    """Write metadata fields in one line, each value as a filter takes it.

    Example:
        >>> described({"year": 2020, "source": "who", "open": True})
        'year = 2020, source = "who", open = true'
    """
    return ", ".join(
        f"{visible(name)} = {visible(json.dumps(value, ensure_ascii=False))}"
        for name, value in fields.items()
    )


def _shown(value: FieldValue) -> str | int | float:
    return str(value).lower() if isinstance(value, bool) else value
