"""What the top level answers to a command that moved into a group below it."""

from typing import Any

from typer.core import TyperGroup


class MovedCommands(TyperGroup):
    """A group that knows the commands of the groups in it: `study` is answered with `lab study`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` begin with; wrong usage (exit 2) where it moved, and where there is none."""
        name, *words = args
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        here = _options(self.commands[name]) if name in self.commands else set()
        for group_name, group in self.commands.items():
            moved = group.commands.get(name) if isinstance(group, TyperGroup) else None
            # a command that kept its name has moved where an option is given that only the other one has
            if moved and (name not in self.commands or options & (_options(moved) - here)):
                where = f"{group_name} {name}"
                ctx.fail(f"`opticlir {name}` is now `opticlir {where}`: the options are the same")
        return super().resolve_command(ctx, args)


def _options(command: Any) -> set[str]:
    return {word for parameter in command.params for word in parameter.opts}
