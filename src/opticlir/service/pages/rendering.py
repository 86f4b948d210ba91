"""From a template to an answer: the language of the interface, and links that keep it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import URL

import opticlir
from opticlir.languages import short_code
from opticlir.records import FieldValue
from opticlir.search.language_routes import AUTO
from opticlir.service.pages.interface import INTERFACES, interface, preferred_interface, writing_direction
from opticlir.visible import visible

_KEPT = ("q", "lang", "filter")
"""Parts of an address that links to other pages keep."""
_LONGEST_HEADER = 200


class Templates:
    """Templates of the page.

    Args:
        codes: ISO 639-3 codes of the languages that questions can be in.
        fields: returns what each metadata field of the documents holds.
    """

    def __init__(self, codes: Sequence[str], fields: Callable[[], Mapping[str, str]]) -> None:
        self._codes, self._fields = codes, fields
        self._templates = Environment(
            loader=PackageLoader("opticlir.service.pages"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters |= {
            "visible": visible, "written": written, "tag": language_tag, "direction": writing_direction, "level": shade,
            "language": lambda code, text: text.language(code),
        }  # fmt: skip

    def render(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Fill in a template.

        Args:
            request: decides the language of the interface, and what links keep.
            template: its file.
            status: of the answer.
            values: of the template.
        """
        asked = request.query_params
        text = preferred_interface(
            asked.get("ui"), request.headers.get("accept-language", "")[:_LONGEST_HEADER]
        )

        def link(path: str, **changed: str | int) -> str:
            kept = {name: asked[name] for name in ("ui", *_KEPT) if name in asked}
            return str(URL(path).include_query_params(**{**kept, **changed}))

        page = self._templates.get_template(template).render(
            t=text,
            interfaces=[interface(code) for code in INTERFACES],
            codes=self._codes,
            q=asked.get("q", ""),
            lang=asked.get("lang", AUTO),
            ui=asked.get("ui"),
            filter=asked.get("filter", ""),
            example=filter_example(self._fields()),
            path=request.url.path,
            link=link,
            here=lambda code: str(request.url.replace(scheme="", netloc="").include_query_params(ui=code)),
            version=opticlir.__version__,
            **values,
        )
        return HTMLResponse(page, status, {"Content-Language": text.code, "Vary": "Accept-Language"})

    def error(self, request: Request, message: str) -> HTMLResponse:
        """Say why a question cannot be answered."""
        return self.render(request, "error.html", 400, error=message)


def filter_example(fields: Mapping[str, str]) -> str:
    """A filter on the first of the metadata fields; empty if there are none.

    Example:
        >>> filter_example({"source": "text", "year": "whole number"}), filter_example({})
        ('source = "..."', '')
    """
    signs = {"text": '= "..."', "true or false": "= true"}
    return next((f"{name} {signs.get(kind, '>= 2020')}" for name, kind in fields.items()), "")


def written(value: FieldValue) -> str:
    """A value of a metadata field as the page shows it."""
    return visible(str(value).lower() if isinstance(value, bool) else str(value))


def language_tag(code: str) -> str:
    """The value of `lang` in markup for an ISO 639-3 code."""
    return short_code(code) or code


def shade(share: float | int) -> int:
    """A share of 1 in tenths, for the colour of a heat map."""
    return max(0, min(10, round(10 * share)))
