"""The prose and tables of a report as Markdown and LaTeX. Markdown has the captions of pictures too."""

from collections.abc import Sequence

from opticlir.evaluation.comparison_table import latex_row, latex_text, markdown_text
from opticlir.pictures import Block, Picture, Prose, Section, Table, shown_cell


def sections_markdown(title: str, sections: Sequence[Section]) -> str:
    r"""Return the report as Markdown.

    Example:
        >>> print(sections_markdown("Study", [Section("Terms", [Table(("system", "AP"), [("a_b", 0.5)])])]))
        # Study
        <BLANKLINE>
        ## Terms
        <BLANKLINE>
        | system | AP |
        |---|---|
        | a\_b | 0.500 |
        <BLANKLINE>
    """
    parts = [f"# {markdown_text(title)}"]
    for section in sections:
        parts += [f"## {markdown_text(section.title)}", *filter(None, map(_markdown_block, section.blocks))]
    return "\n\n".join(parts) + "\n"


def sections_latex(title: str, sections: Sequence[Section]) -> str:
    """Return the report as LaTeX, for a document that loads `booktabs` and `longtable`."""
    parts = [f"% {' '.join(title.split())}; needs the packages booktabs and longtable"]
    for section in sections:
        blocks = [text for block in section.blocks if (text := _latex_block(block))]
        if blocks:
            parts += [rf"\section*{{{latex_text(section.title)}}}", *blocks]
    return "\n\n".join(parts) + "\n"


def _markdown_block(block: Block) -> str:
    if isinstance(block, Prose):
        return markdown_text(block.text)
    if isinstance(block, Picture):
        return f"*Figure in report.html:* {markdown_text(block.caption)}"
    return _markdown_table(block) if isinstance(block, Table) else ""


def _markdown_table(table: Table) -> str:
    lines = [_markdown_row(table.header), f"|{'---|' * len(table.header)}"]
    lines += [_markdown_row([shown_cell(cell) for cell in row]) for row in table.rows]
    return "\n".join(lines) + (f"\n\n{markdown_text(table.note)}" if table.note else "")


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(markdown_text(' '.join(cell.split())) for cell in cells)} |"


def _latex_block(block: Block) -> str:
    if isinstance(block, Prose):
        return latex_text(block.text)
    return _latex_table(block) if isinstance(block, Table) else ""


def _latex_table(table: Table) -> str:
    """Return a table that can continue on the next page, with its note below."""
    lines = [
        rf"\begin{{longtable}}{{{'l' * len(table.header)}}}",
        r"\toprule",
        _latex_row(table.header),
        r"\midrule",
        r"\endhead",
        *(_latex_row([shown_cell(cell) for cell in row]) for row in table.rows),
        r"\bottomrule",
        r"\end{longtable}",
    ]
    return "\n".join(lines) + (f"\n\n{latex_text(table.note)}" if table.note else "")


def _latex_row(cells: Sequence[str]) -> str:
    return latex_row([" ".join(cell.split()) for cell in cells])
