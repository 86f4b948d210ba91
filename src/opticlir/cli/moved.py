"""Answers old names of commands: where a command is now."""

from typing import Any

from typer.core import TyperGroup


class MovedCommands(TyperGroup):
    """A group that answers the old name of a command with its new one: `study` is now `lab study`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` begin with. A moved or unknown command is wrong usage (exit code 2)."""
        name, *words = args
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        here = _options(self.commands[name]) if name in self.commands else set()
        for group_name, group in self.commands.items():
            moved = group.commands.get(name) if isinstance(group, TyperGroup) else None
            # a name may be in both places: an option that only the moved command has decides
            if moved and (name not in self.commands or options & (_options(moved) - here)):
                where = f"{group_name} {name}"
                ctx.fail(f"`opticlir {name}` is now `opticlir {where}`: the options are the same")
        return super().resolve_command(ctx, args)


def _options(command: Any) -> set[str]:
    return {word for parameter in command.params for word in parameter.opts}
