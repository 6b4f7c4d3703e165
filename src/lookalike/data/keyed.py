"""How several tables belong together, as a recipe says it, and whether they make one tree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, Self, final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from lookalike.core.constraints import Constraint, Formula
from lookalike.data.pixels import shown

TABLE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""What a table may be called: it is a folder too."""
WHOLE = r"^([-+]?[0-9]+)\.0+$"
"""A whole number written as a decimal."""
Name = Annotated[str, StringConstraints(pattern=TABLE_NAME)]


@final
class Keyed(BaseModel):
    """One table of several: its reader with the settings of that, and how its rows belong to others."""

    model_config = ConfigDict(frozen=True, extra="allow")

    read: str = Field(description="Name of its reader: csv, parquet, hf or sql; further keys are settings of that.")
    key: str | tuple[str, ...] | None = Field(
        default=None, description="Column, or columns together, that no two rows share; other tables refer to it."
    )
    parent: Mapping[str, str | tuple[str, ...]] = Field(
        default={},
        description="The table whose rows own these, and the column here, or columns, that have its key.",
    )
    links: Mapping[str, tuple[str, ...]] = Field(
        default={}, description="Kept or shared tables, and the column or columns here that hold keys of theirs."
    )
    order: str | None = Field(
        default=None, description="Column that rows of one owner come in the order of; None = they have none."
    )
    keep: bool = Field(
        default=False, description="true = the rows are public and given out unchanged, as a list of countries."
    )
    shared: bool = Field(
        default=False,
        description="true = the rows belong to nobody, many rows of others refer to them, and they are made anew.",
    )
    orphans: Literal["stop", "drop"] = Field(
        default="stop", description="What to do where a key is missing or unknown: stop, or drop such rows, counted."
    )
    constraints: tuple[Constraint, ...] = Field(default=(), description="What must hold in every row of the table.")

    @field_validator("key", "order", mode="before")
    @classmethod
    def _named(cls, value: object, info: ValidationInfo) -> object:
        return None if value is None else _names(str(info.field_name), value, several=info.field_name == "key")

    @field_validator("parent", mode="before")
    @classmethod
    def _one(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            raise ValueError(
                f"parent takes a table and its column here, found {_found(value)}; write {{TABLE: COLUMN}}"
            )
        if len(value) > 1:
            raise ValueError(
                f"parent takes one table, found {len(value)}: {', '.join(map(_found, value))}; keep the one "
                "whose rows own these, and name others under links, as tables with shared: true"
            )
        for name, columns in value.items():
            _names(f"parent: {name}", columns if columns != [] else None, several=True)
        return value

    @field_validator("links", mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            raise ValueError(f"links take tables and columns here, found {_found(value)}; write {{TABLE: COLUMN}}")
        listed = {name: columns if isinstance(columns, list | tuple) else (columns,) for name, columns in value.items()}
        if any(isinstance(one, list) for columns in listed.values() for one in columns):
            raise ValueError("links take keys of one column: give a column, or a list of columns with a key each")
        return {name: _names(f"links: {name}", columns, several=True) for name, columns in listed.items()}

    @model_validator(mode="after")
    def _several(self) -> Self:
        if isinstance(self.key, tuple) and (len(self.key) < 2 or len(set(self.key)) < len(self.key)):
            raise ValueError(
                f"a key of several columns needs two or more different ones, found {', '.join(self.key) or 'none'}; "
                "write one of a single column as key: COLUMN"
            )
        return self

    @model_validator(mode="after")
    def _kept_alone(self) -> Self:
        if self.keep and self.shared:
            raise ValueError("a table is kept as it is or shared and made anew; give keep or shared, not both")
        if self.keep and (self.parent or self.order):
            raise ValueError("a table with keep: true is given out as it is; it has no parent and no order")
        if self.shared and (self.parent or self.order):
            raise ValueError("a table with shared: true belongs to no row; it has no parent and no order")
        if self.order and not self.parent:
            raise ValueError("order needs a parent: rows are in order within one owner")
        return self

    @property
    def options(self) -> dict[str, Any]:
        """Settings that belong to the reader."""
        return dict(self.model_extra or {})

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name its rows together."""
        return _listed(self.key)

    @property
    def owner(self) -> tuple[str, tuple[str, ...]] | None:
        """The parent, and the columns that hold its key."""
        return next(((name, _listed(columns)) for name, columns in self.parent.items()), None)

    @property
    def whole(self) -> bool:
        """Whether its rows belong to nobody."""
        return self.keep or self.shared

    @property
    def foreign(self) -> tuple[tuple[str, str], ...]:
        """Columns that hold keys of kept or shared tables, each with its table."""
        return tuple((column, table) for table, columns in self.links.items() for column in columns)


def _found(value: object) -> str:
    return "nothing" if value in (None, "") else shown(str(value))


def _names(what: str, value: object, several: bool) -> object:
    """Return names of columns, as they are.

    Raises:
        ValueError: They are something else; one line.
    """
    for one in value if several and isinstance(value, list | tuple) else (value,):
        if isinstance(one, bool):
            raise ValueError(
                f"{what} has {str(one).lower()} in the place of a column: YAML reads no, off, yes and on so; quote the "
                "name, as 'no'"
            )
        if not isinstance(one, str) or not one:
            takes = "the name of a column" + (", or a list of names" if several else "")
            fix = "quote a name that is a number, as '1'" if isinstance(one, int | float) else "write COLUMN"
            raise ValueError(f"{what} takes {takes}, found {_found(one)}; {fix}")
    return value


def _listed(columns: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if columns is None else (columns,) if isinstance(columns, str) else columns


def in_order(tables: Mapping[str, Keyed]) -> list[str]:
    """Return the names of the tables: the root, owned ones after their owners, shared ones, and kept ones.

    A shared table stands behind those that it links to.

    Raises:
        ValueError: The tables do not make one tree; one line that says what to change.
    """
    for name, one in tables.items():
        _check_links(name, one, tables)
    shared = _shared(tables)
    roots = [name for name, one in tables.items() if not one.whole and not one.parent]
    if len(roots) != 1:
        raise ValueError(
            f"one table must be the root, which no other owns, found {', '.join(roots) or 'none'}; give each other "
            "table a parent: {TABLE: COLUMN}, or shared: true where many rows refer to one of it, or keep: true where "
            "its rows are public, or read it in a run of its own"
            if roots or not _circle(tables)
            else f"parents go in a circle: {' -> '.join(_circle(tables))}; take one parent away"
        )
    found = [roots[0]]
    for name in found:
        found += [child for child, one in tables.items() if one.owner and one.owner[0] == name]
    if lost := _circle(tables):
        raise ValueError(f"parents go in a circle: {' -> '.join(lost)}; take one parent away")
    return [*found, *shared, *(name for name, one in tables.items() if one.keep)]


def _shared(tables: Mapping[str, Keyed]) -> list[str]:
    """Return the shared tables, each behind those that it links to; those in a circle as they are given."""
    left = [name for name, one in tables.items() if one.shared]
    circle = circles({name: tables[name].links for name in left})
    found: list[str] = []
    while left:
        free = [name for name in left if not (set(tables[name].links) & set(left)) - circle[name]]
        found += free
        left = [name for name in left if name not in free]
    reached = [name for name, one in tables.items() if not one.whole]
    for name in reached:
        reached += [other for other in tables[name].links if other not in reached]
    if alone := [name for name in found if name not in reached]:
        raise ValueError(
            f"table {alone[0]} is shared but no table that is made links to it; give one links: "
            f"{{{alone[0]}: COLUMN}}, or read it in a run of its own"
        )
    return found


def circles(links: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return for each table those that it links to, directly or not, and that link back to it; itself, if it is one.

    Example:
        >>> found = circles({"staff": ["departments"], "departments": ["staff"], "topics": ["topics"], "desks": []})
        >>> sorted(found["staff"]), found["topics"], found["desks"]
        (['departments', 'staff'], {'topics'}, set())
    """
    beyond = {name: set(others) & set(links) for name, others in links.items()}
    for _ in links:
        beyond = {name: others.union(*(beyond[other] for other in others)) for name, others in beyond.items()}
    return {name: {other for other in others if name in beyond[other]} for name, others in beyond.items()}


def _check_links(name: str, one: Keyed, tables: Mapping[str, Keyed]) -> None:
    known = ", ".join(tables)
    for other in (*one.parent, *one.links):
        if other not in tables:
            raise ValueError(f"table {name} refers to '{shown(other)}', which is no table here; tables: {known}")
        if not tables[other].key:
            raise ValueError(f"table {name} refers to {other}, which has no key; give it key: COLUMN")
        if other in one.parent and tables[other].whole:
            way = "kept" if tables[other].keep else "shared"
            raise ValueError(
                f"table {name} has the parent {other}, whose rows are {way}; write links: {{{other}: COLUMN}} instead"
            )
        if other == name and not one.whole:
            raise ValueError(
                f"table {name} links to itself, but owns or is owned; keys of other rows of the same table are made in "
                "shared tables only: leave the link out, and the column with leave_out"
            )
        if other in one.links and not tables[other].whole:
            raise ValueError(
                f"table {name} links to {other}, which owns or is owned; make {other} the parent of {name}, or set "
                f"shared: true for {other} if it has no parent and no children, or keep: true if its rows are public"
            )
        if other in one.links and one.keep and not tables[other].keep:
            raise ValueError(
                f"table {name} is kept as it is but links to {other}, whose rows are made anew; set shared: true for "
                f"{name} instead of keep, or keep: true for {other} if its rows are public"
            )
    _check_several(name, one, tables)
    owned = one.owner[1] if one.owner else ()
    held = [*(column for column, _ in one.foreign), *owned]
    if twice := [column for column in held if held.count(column) > 1]:
        raise ValueError(f"table {name} names {twice[0]} twice in parent and links; a column has keys of one table")
    if linked := [column for column, other in one.foreign if column == one.key]:
        raise ValueError(
            f"table {name} has {linked[0]} both for its key and for that of a row of another table; a key names one "
            "row: leave the link out"
        )
    if owned and set(owned) == set(one.keys):
        raise ValueError(
            f"table {name} has {', '.join(owned)} both for its key and for that of its owner; a key names one row: "
            "leave key out"
        )


def _check_several(name: str, one: Keyed, tables: Mapping[str, Keyed]) -> None:
    """Refuse what keys of several columns cannot do."""
    if one.whole and isinstance(one.key, tuple):
        raise ValueError(
            f"table {name} is shared or kept and has a key of several columns; give it a key of one column, or read it "
            "in a run of its own"
        )
    if one.owner is None:
        return
    other, columns = one.owner
    if len(columns) != len(tables[other].keys):
        raise ValueError(
            f"table {name} has keys of {other} in {', '.join(columns)}, but the key of {other} is "
            f"{', '.join(tables[other].keys)}; name as many columns, in that order"
        )
    given = [rule.column for rule in one.constraints if isinstance(rule, Formula) and rule.column in columns]
    if given:
        raise ValueError(
            f"table {name}: a formula gives {given[0]}, which holds keys of its owner; leave the formula out"
        )


def _circle(tables: Mapping[str, Keyed]) -> list[str]:
    """Return tables that own each other, the first once more at the end; none when there is no circle."""
    for start in tables:
        path, at = [start], tables[start].owner
        while at is not None and at[0] not in path:
            path.append(at[0])
            at = tables[at[0]].owner
        if at is not None and at[0] == start:
            return [*path, start]
    return []


def declared(name: str, keyed: Mapping[str, Keyed]) -> dict[str, dict[str, Any]]:
    """Return what is known of the columns of a table because they hold keys, as a reader's `columns` take it."""
    one = keyed[name]
    found: dict[str, dict[str, Any]] = {
        column: {"kind": "text" if keyed[other].shared else "category"} for column, other in one.foreign
    }
    if one.owner is not None and len(one.owner[1]) == 1:
        found[one.owner[1][0]] = {"kind": "text"}
    if isinstance(one.key, str):
        found[one.key] = {"kind": "id"}
    return found
