"""Command-line flags made from a settings model: names, help and ranges come from its fields."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from depthstudio.setting_fields import field_range

_PREFIX = "setting:"


def add_setting_flags(
    parser: argparse.ArgumentParser, model: type[BaseModel], aliases: Mapping[str, str], skip: frozenset[str]
) -> None:
    """A flag per field of `model`, those of nested models as --outer-inner. Values are checked by the model later.

    aliases: field -> one more spelling. Spellings with underscores work too.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}
    for path, field in _fields(model, ()):
        if path[0] in skip:
            continue
        title = str(_extra(field).get("group", "Settings"))
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        dashed = "--" + "-".join(path).replace("_", "-")
        shown = [alias, dashed] if (alias := aliases.get(".".join(path))) else [dashed]
        underscored = "--" + "-".join(path)
        _add(groups[title], shown, path, field, _help(field))
        if underscored != dashed:
            _add(groups[title], [underscored], path, field, argparse.SUPPRESS)


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that were typed, nested as in the model; everything else is left to preset and defaults."""
    given: dict[str, Any] = {}
    for name, value in vars(arguments).items():
        if name.startswith(_PREFIX):
            *outer, last = name.removeprefix(_PREFIX).split(".")
            place = given
            for part in outer:
                place = place.setdefault(part, {})
            place[last] = value
    return given


def _fields(model: type[BaseModel], outer: tuple[str, ...]) -> list[tuple[tuple[str, ...], FieldInfo]]:
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _fields(kind, (*outer, name))
        else:
            found.append(((*outer, name), field))
    return found


def _add(
    group: argparse._ArgumentGroup, names: list[str], path: tuple[str, ...], field: FieldInfo, help_text: str
) -> None:
    known: dict[str, Any] = {"dest": _PREFIX + ".".join(path), "default": argparse.SUPPRESS, "help": help_text}
    if field.annotation is bool:
        group.add_argument(*names, action=argparse.BooleanOptionalAction, **known)
    else:
        group.add_argument(*names, metavar=_metavar(field), **known)


def _metavar(field: FieldInfo) -> str:
    choices = get_args(field.annotation)
    if choices:
        return "|".join(str(choice) for choice in choices)
    unit = str(_extra(field).get("unit", ""))
    return {"px": "PX", "epochs": "N", "frames": "N", "MB": "MB", "m": "M", "%": "PERCENT"}.get(unit, "VALUE")


def _help(field: FieldInfo) -> str:
    """The field's sentence, with its range when it has one; % is doubled for argparse."""
    low, high = field_range(field)
    words = (field.description or "").rstrip(".")
    if low is not None and high is not None:
        words += f" ({low:g} to {high:g})"
    return words.replace("%", "%%")


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
