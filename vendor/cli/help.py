"""Help in groups: what a command is about first, what every command takes last.  Plain text, and quick to make.

Quick, because the help of `vend` itself is written from a table: a command's module is imported when it is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


def _grouped(rows: list[tuple[str | None, tuple[str, str]]], plain: str, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {}
    for panel, row in rows:
        sections.setdefault(panel or plain, []).append(row)
    for title in sorted(sections, key=lambda title: title != plain):  # stable: the others stay in their order
        with formatter.section(title):
            formatter.write_dl(sections[title])


def _options(command: Any, context: Any, formatter: Any) -> None:
    rows: list[tuple[str | None, tuple[str, str]]] = []
    for parameter in command.get_params(context):
        row = parameter.get_help_record(context)
        if row is not None:
            title = "Arguments" if parameter.param_type_name == "argument" else None
            rows.append((getattr(parameter, "rich_help_panel", None) or title, row))
    _grouped(rows, "Options", formatter)


class PanelCommand(TyperCommand):
    """A command whose options come in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _options(self, ctx, formatter)


class PanelGroup(TyperGroup):
    """A command with subcommands, which come in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        shown = [(name, command) for name, command in commands if command is not None and not command.hidden]
        width = formatter.width - 6 - max((len(name) for name, _command in shown), default=0)
        rows: list[tuple[str | None, tuple[str, str]]] = [
            (getattr(command, "rich_help_panel", None), (name, command.get_short_help_str(width)))
            for name, command in shown
        ]
        _grouped(rows, "Commands", formatter)


@dataclass(frozen=True, slots=True)
class Entry:
    """One command of a table: where it is, in which group of the help it stands, and its help in one line.

    `where` is `module:function`, or `module` for one that holds further commands as `app`.
    """

    where: str
    panel: str
    line: str
    settings: Mapping[str, object] = field(default_factory=dict)


class TableGroup(PanelGroup):
    """A command whose subcommands come from a table and are imported one by one, when they are called."""

    table: ClassVar[Mapping[str, Entry]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.table:
            known: Any = dict.fromkeys(self.table)  # by their names, Typer suggests what may have been meant
            self.commands = known | self.commands
            return None
        found = self.commands.get(cmd_name)
        if found is None:
            found = self.commands[cmd_name] = _load(cmd_name, self.table[cmd_name])
        return found

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        _grouped([(entry.panel, (name, entry.line)) for name, entry in self.table.items()], "Commands", formatter)


def _load(name: str, entry: Entry) -> Any:
    module, _, function = entry.where.partition(":")
    loaded = import_module(module)
    if not function:
        group: Any = typer.main.get_command(loaded.app)
        group.name = name
        return group
    called: Callable[..., None] = getattr(loaded, function)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, cls=PanelCommand, context_settings=dict(entry.settings))(called)
    return typer.main.get_command(alone)
