"""Write the pages of the reference that come from the code: the commands and the settings.

    make docs

`tests/test_docs.py` refuses pages that differ from the code.
"""

import inspect
import shlex
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import typer

from opticlir.__main__ import app
from opticlir.lab.cli.app import lab
from opticlir.lab.training import LabTrainConfig
from opticlir.training import TrainConfig

FOLDER = Path(__file__).parent
_GENERATED = "<!-- written by `make docs` from the code: do not edit -->"

_SETTINGS = """\
`opticlir train --config FILE` reads these settings from a TOML file; `opticlir.train` takes them in Python. Options on
the command line win over the file. opticlir refuses an unknown name and suggests the nearest one.

```sh
opticlir train --bitext pairs.tsv --language swa --out swahili --print-config > train.toml
```"""
_LAB_SETTINGS = """\
`opticlir lab train --config FILE` and the systems of a study read these settings: those of
[`opticlir train`](settings.md), and what studies vary. [Laboratory methods](lab-training.md) explains them."""


def pages() -> dict[str, str]:
    """Text of each generated page by its name in `docs/`."""
    return {
        "cli.md": _page(
            "Commands", "opticlir", app, "The commands of the laboratory: [opticlir lab](lab-cli.md)."
        ),
        "lab-cli.md": _page(
            "Laboratory commands", "opticlir lab", lab, "The commands for users: [opticlir](cli.md)."
        ),
        "settings.md": _settings_page(TrainConfig, "Training settings", _SETTINGS),
        "lab-settings.md": _settings_page(LabTrainConfig, "Laboratory settings", _LAB_SETTINGS),
    }


# ---- commands


def _page(title: str, program: str, group: typer.Typer, elsewhere: str) -> str:
    found = dict(commands(program, group))
    overview = [
        f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(_summary(command))} |"
        for name, command in found.items()
    ]
    blocks = [_command(name, command) for name, command in found.items()]
    return "\n\n".join(
        [
            f"# {title}",
            _GENERATED,
            f"{elsewhere} Every command has `--help`. Exit code 0: done. 1: the input, a file or the machine made it "
            "impossible, and one line says why. 2: wrong usage.",
            "\n".join(["| command | what it does |", "|---|---|", *overview]),
            *blocks,
        ]
    ) + "\n"  # fmt: skip


class Command(NamedTuple):
    """A command: its function, and its help text."""

    function: Callable[..., Any]
    help: str


def commands(program: str, group: typer.Typer) -> Iterator[tuple[str, Command]]:
    """Full name and command of each visible command, in alphabetical order; groups within follow.

    Args:
        program: the words before the name of the command.
        group: a Typer application.
    """
    found = {}
    for each in group.registered_commands:
        if each.callback and not each.hidden:
            name = each.name or each.callback.__name__.replace("_", "-")
            found[name] = Command(each.callback, inspect.cleandoc(each.help or each.callback.__doc__ or ""))
    yield from ((f"{program} {name}", command) for name, command in sorted(found.items()))
    for inner in group.registered_groups:
        application = inner.typer_instance
        if application and application.info.name != "lab" and application.info.hidden is not True:
            yield from commands(f"{program} {application.info.name}", application)


def _summary(command: Command) -> str:
    return command.help.split("\n\n")[0].replace("\n", " ")


def _command(name: str, command: Command) -> str:
    paragraphs, examples = [], []
    for paragraph in command.help.split("\n\n"):
        if paragraph.startswith("Example: "):
            examples.append(paragraph.removeprefix("Example: "))
        else:
            paragraphs.append(paragraph)
    arguments, options = parameters(command.function)
    usage = (
        shlex.join(name.split()) + " [OPTIONS]" + "".join(f" {argument.metavar}" for argument in arguments)
    )
    blocks = [f"## `{name}`", *paragraphs, _fenced(usage, *examples)]
    if arguments:
        rows = [f"| `{each.metavar}`<br>{each.kind} | {_cell(each.help)} |" for each in arguments]
        blocks.append("\n".join(["| argument | meaning |", "|---|---|", *rows]))
    if options:
        rows = [f"| {each.names}<br>{each.kind} | {each.default} | {_cell(each.help)} |" for each in options]
        blocks.append("\n".join(["| option | default | meaning |", "|---|---|---|", *rows]))
    return "\n\n".join(blocks)


def _fenced(usage: str, *examples: str) -> str:
    lines = [usage]
    if examples:
        lines += ["", "# example", *examples]
    return "\n".join(["```sh", *lines, "```"])


class Parameter:
    """An argument or option of a command, in words."""

    def __init__(self, name: str, kind: Any, about: Any, default: Any) -> None:
        first = [about.default] if isinstance(about.default, str) else []  # Typer keeps the first name there
        self.spellings = [*first, *(about.param_decls or ())] or [f"--{name.replace('_', '-')}"]
        self.names = ", ".join(f"`{each}`" for each in self.spellings)
        is_many = get_origin(kind) is list
        is_optional = default is not inspect.Parameter.empty
        self.metavar = (about.metavar or name.upper()) + ("..." if is_many else "")
        if isinstance(about, typer.models.ArgumentInfo) and is_optional:
            self.metavar = f"[{self.metavar}]"
        self.kind = _kind(kind)
        self.default = f"`{about.show_default}`" if isinstance(about.show_default, str) else _default(default)
        self.help = about.help or ""


def parameters(function: Callable[..., Any]) -> tuple[list[Parameter], list[Parameter]]:
    """Arguments and options of a command."""
    hints = get_type_hints(function, include_extras=True)
    arguments, options = [], []
    for name, parameter in inspect.signature(function).parameters.items():
        kind, about = (
            get_args(hints[name])[:2] if get_origin(hints[name]) is Annotated else (hints[name], None)
        )
        if isinstance(about, typer.models.ArgumentInfo):
            arguments.append(Parameter(name, kind, about, parameter.default))
        elif isinstance(about, typer.models.OptionInfo) and not about.hidden:
            options.append(Parameter(name, kind, about, parameter.default))
    return arguments, options


def _kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " \\| ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is UnionType:
        return _kind(next(part for part in get_args(kind) if part is not NoneType))
    if get_origin(kind) in (list, tuple):
        return f"{_kind(get_args(kind)[0])}, repeatable"
    names = {bool: "flag", str: "text", int: "whole number", float: "number", Path: "path"}
    return names.get(kind, str(getattr(kind, "__name__", kind)))


def _default(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return "required"
    if default is None or default is False or default in ([], ()):
        return ""
    if isinstance(default, list | tuple):
        return " ".join(f"`{each}`" for each in default)
    return f"`{default}`"


# ---- settings


def _settings_page(kind: type, title: str, introduction: str) -> str:
    tables = [entry for entry in fields(kind) if is_dataclass(entry.type)]
    blocks = [
        f"# {title}",
        _GENERATED,
        introduction,
        _settings_table(kind, without={entry.name for entry in tables}),
    ]
    for entry in tables:
        assert isinstance(entry.type, type)
        blocks += [f"## `[{entry.name}]`", _help(kind)[entry.name], _settings_table(entry.type)]
    return "\n\n".join(blocks) + "\n"


def _settings_table(kind: type, without: set[str] = frozenset()) -> str:  # type: ignore[assignment]
    docs = _help(kind)
    rows = [
        f"| `{entry.name}`<br>{_setting_kind(entry.type)} | {_setting_default(entry)} | {_cell(docs[entry.name])} |"
        for entry in fields(kind)
        if entry.name not in without
    ]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


def _help(kind: type) -> dict[str, str]:
    return {entry.name: entry.metadata["help"] for entry in fields(kind) if "help" in entry.metadata}


def _setting_kind(kind: Any) -> str:
    arguments = get_args(kind)
    if get_origin(kind) is tuple and is_dataclass(arguments[0]):
        return "list of tables"
    is_optional = get_origin(kind) is UnionType and NoneType in arguments
    return _kind(kind) + (", or unset" if is_optional else "")


def _setting_default(entry: "Field[Any]") -> str:
    if entry.default_factory is not MISSING:
        return f"`{entry.default_factory()}`"
    if entry.default is MISSING:
        return "required"
    if entry.default is None:
        return "unset"
    return f"`{str(entry.default).lower()}`" if isinstance(entry.default, bool) else f"`{entry.default}`"


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
