"""What a search returns: ranked documents that show themselves well in a terminal and a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from opticlir.data.visible import visible
from opticlir.search.scoring import Ranking


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked document."""

    doc_id: str
    score: float
    """Higher is better; comparable within one answer only."""
    title: str
    text: str
    snippet: str
    """The passage of the text that answers best, about 240 characters."""


@dataclass(frozen=True, slots=True)
class Hits(Sequence[Hit]):
    """The answer to one question: hits, best first. A sequence: `hits[0].title`, `for hit in hits`."""

    question: str
    ranking: Ranking
    hits: tuple[Hit, ...]

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, position: int) -> Hit: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, position: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[position]

    def __repr__(self) -> str:
        if not self.hits:
            return "nothing found"
        lines = []
        for rank, hit in enumerate(self.hits, start=1):
            lines.append(f"{rank:>3}  {hit.score:8.3f}  {visible(hit.doc_id)}  {visible(hit.title)}".rstrip())
            lines.append(f"     {visible(hit.snippet)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from opticlir.pictures.page import escaped, isolated  # noqa: PLC0415 - it loads all pictures

        rows = "\n".join(
            f"<tr><td>{rank}</td><td>{hit.score:.3f}</td><td>{escaped(hit.doc_id)}</td>"
            f"<td>{isolated(hit.title)}</td><td>{isolated(hit.snippet)}</td></tr>"
            for rank, hit in enumerate(self.hits, start=1)
        )
        return (
            f"<table><caption>{isolated(self.question)}</caption>\n"
            "<thead><tr><th>rank</th><th>score</th><th>id</th><th>title</th><th>passage</th></tr></thead>\n"
            f"<tbody>\n{rows}\n</tbody></table>"
        )
