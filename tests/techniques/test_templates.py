"""Templates replace fields and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.techniques.templates import FIELDS, fields_of, filled

VALUES = dict(zip(FIELDS, ["notes", "good", "the writer likes it", "tone: calm", "- one"], strict=True))


def test_fields_are_replaced_once_and_braces_are_kept() -> None:
    template = 'Task {task}\n{label} = {definition} ({attributes}) {{"text": "..."}} {{{label}}}\n{examples}\n'
    assert fields_of(template) == set(FIELDS)
    said = filled(template, {**VALUES, "task": "{label} {task.__class__} {{x}}"})
    assert said == (
        'Task {label} {task.__class__} {{x}}\ngood = the writer likes it (tone: calm) {"text": "..."} {good}\n- one'
    )


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("a {lable}", "'{lable}'"),
        ("{label.__class__}", "'{label.__class__}'"),
        ("{label[0]}", "'{label[0]}'"),
        ("{label!r}", "'{label!r}'"),
        ("{label:>9999999999}", "'{label:>9999999999}'"),
        ("{0}", "'{0}'"),
        ("{}", "'{}'"),
        ('{"text": 1}', "'{\"text\": 1}'"),
        ("{ label }", "'{ label }'"),
        ("{label", "'{label'"),
        ("label}", "'}'"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(template: str, found: str) -> None:
    allowed = "{task}, {label}, {definition}, {attributes}, {examples}; {{ and }} for braces"
    with pytest.raises(ValueError, match=re.escape(f"template holds {found}, which is no field; allowed: {allowed}")):
        fields_of(template)


@given(st.text(alphabet="{}abel \n:.!", max_size=30))
def test_what_is_accepted_can_be_filled(template: str) -> None:
    try:
        named = fields_of(template)
    except ValueError:
        return
    assert "label" in named or filled(template, VALUES) == template.replace("{{", "{").replace("}}", "}").removesuffix(
        "\n"
    )
