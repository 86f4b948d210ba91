"""Topics in SGML and XML: TREC from its first year to TREC-COVID, FIRE, CLEF before and since 2008."""

import html
import re
from collections.abc import Iterator, Sequence

from opticlir.data.sgml import without_tags
from opticlir.data.skipping import MalformedRecordError
from opticlir.errors import SettingsError
from opticlir.languages import code_of_name, language_code
from opticlir.visible import shown

_PARTS = {
    **dict.fromkeys(("num", "number", "identifier", "id", "qid", "topicid"), "num"),
    **dict.fromkeys(("title", "query", "text", "content"), "title"),
    **dict.fromkeys(("desc", "description", "question"), "desc"),
    **dict.fromkeys(("narr", "narrative"), "narr"),
    "summary": "summary",
}
"""Tags of a topic, and what is in them."""
_OTHER_TAGS = (
    "head", "dom", "smry", "con", "conc", "fac", "nat", "def", "time", "querytime", "querytweettime", "slang", "tlang",
    "note", "subtopic", "rel", "back", "profile", "discharge_summary", "lang", "language",
)  # fmt: skip
"""Tags that end the field before them, since SGML needs no end tags."""
_LETTERS = {"c": "zho", "e": "eng", "f": "fra", "g": "deu", "i": "ita", "s": "spa"}
"""Languages by one letter, as in the tags of TREC's cross-language topics."""

_TAGS = "|".join(_PARTS)
_FIELD = re.compile(  # <EN-title> is a title in English
    rf"<(?:([a-z]{{1,3}})-)?({_TAGS})(?:\s[^<>]*)?>(.*?)"
    rf"(?=</?(?:[a-z]{{1,3}}-)?(?:{_TAGS}|{'|'.join(_OTHER_TAGS)})(?:\s[^<>]*)?>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_LABEL = re.compile(r"\A\s*(?:Number|Topic|Description|Narrative|Summary)\s*:", re.IGNORECASE)
_TOPIC = re.compile(r"(?=<top(?:ic)?(?:\s[^>]*)?>)", re.IGNORECASE)
_QUERY = re.compile(r"(?=<query(?:\s[^>]*)?>)", re.IGNORECASE)
_END = re.compile(r"</top(?:ics?)?\s*>.*|</(?:queries|xml)\s*>.*", re.IGNORECASE | re.DOTALL)
_OPENING = re.compile(r"\A<(?:top|topic|query)(?:\s[^>]*)?>", re.IGNORECASE)
_LANGUAGE = re.compile(r"\blang(?:uage)?\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_LANGUAGE_INSIDE = re.compile(r"<lang(?:uage)?>\s*([\w-]+)\s*<", re.IGNORECASE)
_NUMBER = re.compile(r"\b(?:number|num|id|q)\s*=\s*(?:\"([^\"]+)\"|'([^']+)'|([^\s>]+))", re.IGNORECASE)


def sgml_topics(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield each topic with its first line number, from the opening tag on."""
    every = list(lines)
    divide = _TOPIC if any(_TOPIC.search(line) for _, line in every) else _QUERY
    begin, parts = 0, list[str]()
    for number, line in every:
        rest, *topics = divide.split(line)
        parts.append(_END.sub("", rest))
        for topic in topics:
            if begin:
                yield begin, "\n".join(parts)
            begin, parts = number, [_END.sub("", topic)]
    if begin:
        yield begin, "\n".join(parts)


def languages_of(topic: str) -> set[str]:
    """Return the languages that a topic states: ISO 639-3, or the tag itself if it is no language.

    Example:
        >>> languages_of("<top lang='hi'><num>1</num>"), languages_of("<top><EN-title> Rain </EN-title>")
        ({'hin'}, {'eng'})
    """
    stated = _stated_language(topic)
    tags = [stated] if stated else [tag for tag, _, _ in _FIELD.findall(topic) if tag]
    return {tagged_language(tag) for tag in tags}


def _stated_language(topic: str) -> str:
    """The language of a topic by its opening tag or a tag of its own; empty if it states none."""
    opening = _OPENING.match(topic)
    stated = (_LANGUAGE.search(opening[0]) if opening else None) or _LANGUAGE_INSIDE.search(topic)
    return stated[1] if stated else ""


def parse_sgml_topic(topic: str, code: str, fields: Sequence[str]) -> tuple[str, str] | None:
    """Return id and text in a language, or None if the topic has no text in it.

    A topic with none of the known fields is its text as a whole, as in the clinical tracks of TREC.

    Args:
        topic: one of `sgml_topics`.
        code: the language, ISO 639-3; a topic that states none is in any.
        fields: parts that make the text: title, desc, narr.

    Raises:
        MalformedRecordError: the topic has no id, or a field is missing.
    """
    opening = _OPENING.match(topic)
    opening_tag = opening[0] if opening else ""
    content = topic[len(opening_tag) :]
    stated = _stated_language(topic)
    if stated and tagged_language(stated) != code:
        return None
    found: dict[str, str] = {}
    elsewhere = set()
    for tag_language, tag, part_content in _FIELD.findall(content):
        part = _PARTS[tag.lower()]
        if tag_language and tagged_language(tag_language) != code:
            elsewhere.add(part)
        else:
            found.setdefault(part, without_tags(_LABEL.sub("", part_content)))
    if number := _NUMBER.search(opening_tag):
        found.setdefault("num", html.unescape("".join(number.groups(""))))
    if "summary" in found:
        found.setdefault("title", found["summary"])
    if not elsewhere and not found.keys() - {"num"} and (whole := without_tags(_FIELD.sub(" ", content))):
        found["title"] = whole
    if missing := [name for name in ("num", *fields) if name not in found]:
        if elsewhere.issuperset(missing):
            return None
        raise MalformedRecordError(f"a topic without <{missing[0]}>: {shown(topic.strip())}")
    return found["num"], " ".join(found[name] for name in fields)


def tagged_language(tag: str) -> str:
    """Return the ISO 639-3 code that a language tag or name of a file means, or the tag itself."""
    try:
        return _LETTERS.get(tag.lower()) or language_code(tag)
    except SettingsError:
        return code_of_name(tag) or tag
