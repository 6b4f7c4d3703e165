"""A user's own wording of a request: fields in braces that are replaced, and nothing that computes."""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELDS = ("task", "label", "definition", "attributes", "examples")
"""What a template may name: `{label}` and so on."""
_PART = re.compile(r"\{\{|\}\}|\{[^{}]*\}?|\}")
_BRACES = {"{{": "{", "}}": "}"}
_SHOWN = 40


def fields_of(template: str) -> set[str]:
    """Return the fields that a template names.

    Args:
        template: Text with fields such as `{label}`; `{{` and `}}` stand for braces.

    Raises:
        ValueError: It names something else, or has a brace that belongs to no field.

    Example:
        >>> sorted(fields_of('Write a {label} text about {task}, like {{"text": "..."}}'))
        ['label', 'task']
    """
    parts = {part for part in _PART.findall(template) if part not in _BRACES}
    wrong = sorted(part for part in parts if part[1:-1] not in FIELDS or not part.endswith("}"))
    if wrong:
        found = " ".join(wrong[0].split())[:_SHOWN]
        allowed = ", ".join(f"{{{name}}}" for name in FIELDS)
        raise ValueError(f"template holds '{found}', which is no field; allowed: {allowed}; {{{{ and }}}} for braces")
    return {part[1:-1] for part in parts}


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its fields replaced, in one pass: braces inside a value stay as they are.

    Args:
        template: As `fields_of` accepts it; one line break at its end does not count.
        values: The text of each field.

    Example:
        >>> filled("{label}: {{x}} {task}", {"label": "{task}", "task": "notes"})
        '{task}: {x} notes'
    """
    return _PART.sub(lambda part: _BRACES.get(part[0]) or values[part[0][1:-1]], template.removesuffix("\n"))
