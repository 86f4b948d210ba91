"""Pictures and reports: token alignments, line charts, HTML pages."""

from opticlir.pictures.alignment import TokenAlignment, align_texts, align_words
from opticlir.pictures.alignment_html import alignment_html, alignment_page, alignment_strip
from opticlir.pictures.alignment_png import alignment_png
from opticlir.pictures.alignment_terminal import alignment_lines
from opticlir.pictures.figures import Image, require_matplotlib
from opticlir.pictures.line_chart import LineChart
from opticlir.pictures.report import Block, Markup, Picture, Prose, Section, Table, report_html, shown_cell
from opticlir.visible import visible

__all__ = [
    "Block",
    "Image",
    "LineChart",
    "Markup",
    "Picture",
    "Prose",
    "Section",
    "Table",
    "TokenAlignment",
    "align_texts",
    "align_words",
    "alignment_html",
    "alignment_lines",
    "alignment_page",
    "alignment_png",
    "alignment_strip",
    "report_html",
    "require_matplotlib",
    "shown_cell",
    "visible",
]
