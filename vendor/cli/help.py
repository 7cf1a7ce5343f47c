"""Help in groups: what a command is about first, what every command takes last.  Plain text, and quick to make."""

from typing import Any

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
