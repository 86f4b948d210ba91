"""`opticlir cache`: manages teacher vectors, vocabularies and indexes of test collections that are kept for reuse."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import MAINTAIN, AsJson, app, print_json, say
from opticlir.cli.quantities import n_bytes, seconds

if TYPE_CHECKING:
    from opticlir.artefacts import ArtefactCache, Entry

cache_app = typer.Typer(
    name="cache",
    help="Manage files that are kept for reuse: teacher vectors, vocabularies, indexes of test collections. "
    "They are in $OPTICLIR_CACHE, by default ~/.cache/opticlir.",
    no_args_is_help=True,
)
app.add_typer(cache_app, rich_help_panel=MAINTAIN)


@cache_app.command()
def ls(as_json: AsJson = False) -> None:
    """List the cache: the kind, size and last use of each entry, the most recently used first.

    "outdated" means that this version of opticlir computes the entry again; `prune` removes it.

    Example: opticlir cache ls
    """
    from rich.filesize import decimal

    from opticlir.artefacts import ArtefactCache
    from opticlir.visible import visible

    cache = ArtefactCache()
    entries = cache.entries()
    total = sum(entry.bytes for entry in entries)
    if as_json:
        print_json({
            "folder": str(cache.root), "bytes": total, "entries": [asdict(each) for each in entries],
            "not_ours": [str(path) for path in cache.strangers()],
        })  # fmt: skip
        return
    _name_strangers(cache)
    for entry in entries:
        typer.echo("\t".join(map(visible, _described(entry))))
    say(f"{cache.root}: {len(entries)} artefacts, {decimal(total)}")


def _name_strangers(cache: "ArtefactCache") -> None:
    for path in cache.strangers():
        say(f"{path}: not made by opticlir, ignored", err=True)


def _described(entry: "Entry") -> list[str]:
    from rich.filesize import decimal

    settings = {name: value for name, value in entry.config.items() if isinstance(value, str | int)}
    return [
        f"{entry.kind}/{entry.key}",
        ", ".join(f"{name} {str(value)[:40]}" for name, value in settings.items()),
        ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in entry.counts.items()),
        decimal(entry.bytes),
        f"last used {entry.last_used}",
        *(["in use"] if entry.in_use else []),
        *([] if entry.is_current else ["outdated"]),
    ]


@cache_app.command()
def verify(as_json: AsJson = False) -> None:
    """Read every byte and compare the checksums. If an entry is damaged, name it and exit with 1.

    Damaged entries are ignored and computed again: you can remove them.

    Example: opticlir cache verify
    """
    from opticlir.artefacts import ArtefactCache

    cache = ArtefactCache()
    damaged = list(cache.damaged())
    n_entries = len(cache.entries())
    if as_json:
        print_json({
            "folder": str(cache.root), "entries": n_entries,
            "damaged": [{"path": str(path), "reason": reason} for path, reason in damaged],
        })  # fmt: skip
    else:
        for path, reason in damaged:
            say(f"error: {path} is damaged: {reason}", err=True)
        say(f"{cache.root}: {n_entries} artefacts, {len(damaged)} damaged")
    if damaged:
        raise typer.Exit(1)


@cache_app.command()
def prune(
    max_size: Annotated[
        float | None,
        typer.Option(parser=n_bytes, metavar="SIZE", help="Keep at most this much: 500MB, 2GB."),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            parser=seconds, metavar="TIME", help="Remove entries that were not used for this long: 12h, 30d."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Free disk space: remove leftovers of killed runs and outdated entries, then the least recently used entries.

    Entries that another process uses are kept. Exit with 1 if more than --max-size is left.

    Example: opticlir cache prune --max-size 2GB --older-than 30d
    """
    from rich.filesize import decimal

    from opticlir.artefacts import ArtefactCache
    from opticlir.errors import ArtefactError

    if max_size is None and older_than is None:
        raise typer.BadParameter("give --max-size (such as 2GB), --older-than (such as 30d), or both")
    cache = ArtefactCache()
    pruned = cache.prune(max_bytes=max_size, older_than=older_than)
    if as_json:
        print_json({"folder": str(cache.root), **asdict(pruned)})
    else:
        _name_strangers(cache)
        say(
            f"{cache.root}: {pruned.removed} entries removed, {decimal(pruned.freed)} freed, "
            f"{decimal(pruned.left)} left"
        )
    if max_size is not None and pruned.left > max_size:
        raise ArtefactError(
            f"{cache.root} still takes {decimal(pruned.left)}, {decimal(pruned.in_use)} of it in use by another "
            "process: prune again when it has ended"
        )
