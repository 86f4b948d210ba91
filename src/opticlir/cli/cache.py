"""`opticlir cache`: the teacher's vectors and the vocabularies that are kept between trainings."""

from dataclasses import asdict
from typing import Annotated

import typer

from opticlir.cli.app import AsJson, app, print_json
from opticlir.cli.quantities import n_bytes, seconds

cache_app = typer.Typer(
    name="cache",
    help="The teacher's vectors and the vocabularies kept between trainings, in $OPTICLIR_CACHE or ~/.cache/opticlir.",
    no_args_is_help=True,
)
app.add_typer(cache_app)


@cache_app.command()
def ls(as_json: AsJson = False) -> None:
    """List what is kept: a line per teacher and set of options, then one per vocabulary, the one used last first.

    Example: opticlir cache ls
    """
    from rich.filesize import decimal

    from opticlir.training.cache_inventory import list_entries, list_vocabularies
    from opticlir.training.teacher_cache import default_cache_folder

    folder = default_cache_folder()
    entries, vocabularies = list_entries(folder), list_vocabularies(folder)
    total = sum(entry.bytes for entry in entries) + sum(entry.bytes for entry in vocabularies)
    if as_json:
        print_json({
            "folder": str(folder), "bytes": total, "entries": [asdict(entry) for entry in entries],
            "vocabularies": [asdict(entry) for entry in vocabularies],
        })  # fmt: skip
        return
    for entry in entries:
        computed = "bfloat16" if entry.bfloat16 else "float32"
        typer.echo("\t".join([
            entry.folder, entry.teacher or "unnamed", f"{entry.vectors} of {computed}", f"{entry.texts:,} texts",
            f"{entry.tokens:,} tokens", decimal(entry.bytes), f"last used {entry.last_used}",
            *(["in use"] if entry.in_use else []),
        ]))  # fmt: skip
    for vocabulary in vocabularies:
        typer.echo("\t".join([
            vocabulary.folder, vocabulary.encoder or "unnamed", f"vocabulary of {vocabulary.pairs:,} pairs",
            f"{vocabulary.words:,} words", decimal(vocabulary.bytes), f"last used {vocabulary.last_used}",
        ]))  # fmt: skip
    typer.echo(f"{folder}: {decimal(total)} of teacher vectors and vocabularies")


@cache_app.command()
def verify(as_json: AsJson = False) -> None:
    """Read every byte and compare the checksums; exit with 1 where a piece is torn, and name it.

    Trainings ignore what is torn and make it again: it can be removed.

    Example: opticlir cache verify
    """
    from opticlir.training.cache_inventory import list_entries, list_vocabularies, torn_pieces
    from opticlir.training.teacher_cache import default_cache_folder

    folder = default_cache_folder()
    torn = list(torn_pieces(folder))
    n_shards = sum(entry.shards for entry in list_entries(folder))
    n_vocabularies = len(list_vocabularies(folder))
    if as_json:
        print_json({
            "folder": str(folder), "shards": n_shards, "vocabularies": n_vocabularies,
            "torn": [{"path": str(path), "reason": reason} for path, reason in torn],
        })  # fmt: skip
    else:
        for path, reason in torn:
            typer.echo(f"error: {path} is torn: {reason}", err=True)
        typer.echo(f"{folder}: {n_shards} shards, {n_vocabularies} vocabularies, {len(torn)} torn")
    if torn:
        raise typer.Exit(1)


@cache_app.command()
def prune(
    max_size: Annotated[
        float | None,
        typer.Option(parser=n_bytes, metavar="SIZE", help="Leave no more than this: 500MB, 2GB."),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(parser=seconds, metavar="TIME", help="Remove what was not used for so long: 12h, 30d."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make room: remove what was not used for longest first, and the leavings of killed runs.

    Nothing of a teacher is removed while somebody trains with it; exit with 1 where that leaves too much.

    Example: opticlir cache prune --max-size 2GB --older-than 30d
    """
    from rich.filesize import decimal

    from opticlir.errors import ArtefactError
    from opticlir.training.cache_inventory import prune as make_room
    from opticlir.training.teacher_cache import default_cache_folder

    if max_size is None and older_than is None:
        raise typer.BadParameter("say how much may stay: --max-size 2GB, --older-than 30d, or both")
    folder = default_cache_folder()
    pruned = make_room(folder, max_bytes=max_size, older_than=older_than)
    if as_json:
        print_json({"folder": str(folder), **asdict(pruned)})
    else:
        typer.echo(
            f"{folder}: {pruned.removed} pieces removed, {decimal(pruned.freed)} freed, "
            f"{decimal(pruned.left)} left"
        )
    if max_size is not None and pruned.left > max_size:
        raise ArtefactError(
            f"{folder} still takes {decimal(pruned.left)}, {decimal(pruned.in_use)} of it in use by a training: "
            "prune again when that has ended"
        )
