"""Fields of a settings model that say everything about themselves, and what is wrong with a value in plain words."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, ValidationError

_CHOICE_ERRORS = {"literal_error", "enum"}


def setting(
    default: Any, title: str, help_text: str, group: str, *, unit: str = "", expert: bool = False, **limits: Any
) -> Any:
    """A field with everything that a form, a flag and an error message need. limits: ge, le, pattern."""
    extra: Any = {"unit": unit, "expert": expert, "group": group}
    return Field(default, title=title, description=help_text, json_schema_extra=extra, **limits)


def first_mistake(model: type[BaseModel], error: ValidationError) -> tuple[str, str, str]:
    """what, why and next step of the first mistake, naming the field as the form does."""
    first = error.errors()[0]
    field = _field_at(model, first["loc"])
    name = ".".join(str(part) for part in first["loc"])
    if field is None:
        return f"The setting '{name}' is wrong.", f"{first['msg']}.", ""
    unit = (field.json_schema_extra or {}).get("unit", "")
    given = first.get("input")
    if first["type"] == "value_error":  # a rule about several fields, in its own words
        return f"{field.title} cannot be used like this.", f"{str(first['ctx']['error']).capitalize()}.", ""
    if first["type"] in _CHOICE_ERRORS:
        return f"{field.title} cannot be {given!r}.", f"It is one of {first['ctx']['expected']}.", ""
    low, high = field_range(field)
    if low is not None and high is not None:
        range_words = f"{low:g} to {high:g} {unit}".strip()
        return f"{field.title} cannot be {given}.", f"It lies in {range_words}.", f"Change '{name}'."
    return f"{field.title} cannot be {given!r}.", f"{field.description}", f"Change '{name}'."


def _field_at(model: type[BaseModel], location: tuple[int | str, ...]) -> Any:
    """The field that an error's location names, inside nested models too."""
    field = model.model_fields.get(str(location[0])) if location else None
    if field is None or len(location) == 1:
        return field
    nested = field.annotation
    if isinstance(nested, type) and issubclass(nested, BaseModel):
        return _field_at(nested, location[1:])
    return field


def field_range(field: Any) -> tuple[float | None, float | None]:
    """(smallest, largest) allowed value of a pydantic number field, None where it has no limit."""
    low = next((limit.ge for limit in field.metadata if hasattr(limit, "ge")), None)
    high = next((limit.le for limit in field.metadata if hasattr(limit, "le")), None)
    return low, high
