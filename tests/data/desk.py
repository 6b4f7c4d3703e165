"""Made-up files of a help desk: tickets that staff work on, who report to each other, under a tree of topics."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

DEPARTMENTS, STAFF, TOPICS = 6, 60, 40
LEVELS = ("lead", "senior", "junior")


def write_desk(folder: Path, tickets: int, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Write tickets.csv, notes.csv, staff.csv, departments.csv and topics.csv into a folder; return how to read them.

    Staff have a department and, but for the first one, a manager of a higher level; departments are led by somebody of
    theirs, so the two tables refer to each other. Topics have a topic above, but for three.
    """
    draw = np.random.default_rng(seed)
    level = np.minimum(np.arange(STAFF) // 6, 2)
    department = np.append(np.arange(DEPARTMENTS), draw.integers(0, DEPARTMENTS, STAFF - DEPARTMENTS))
    staff = []
    for one in range(STAFF):
        above = np.flatnonzero(level < level[one])
        manager = f"S{draw.choice(above):03d}" if len(above) else ("" if one == 0 else "S000")
        pay = 5000 - 1200 * int(level[one]) + int(draw.integers(0, 600))
        staff.append((f"S{one:03d}", LEVELS[level[one]], pay, f"D{department[one]}", manager))
    _write(folder, "staff", ("staff", "level", "pay", "department", "manager"), staff)
    rows = [(f"D{one}", int(draw.integers(1, 9)), f"S{one:03d}") for one in range(DEPARTMENTS)]
    _write(folder, "departments", ("department", "floor", "head"), rows)
    depth, topics = np.zeros(TOPICS, dtype=int), []
    for one in range(TOPICS):
        above = int(draw.integers(0, one)) if one >= 3 else -1
        depth[one] = 0 if above < 0 else depth[above] + 1
        topics.append((f"T{one:03d}", int(depth[one]), "" if above < 0 else f"T{above:03d}"))
    _write(folder, "topics", ("topic", "depth", "above"), topics)
    busy = draw.dirichlet(np.full(STAFF, 0.7))
    rows = [
        (f"K{one:05d}", f"S{draw.choice(STAFF, p=busy):03d}", f"T{draw.integers(TOPICS):03d}", int(draw.integers(1, 5)))
        for one in range(tickets)
    ]
    _write(folder, "tickets", ("ticket", "staff", "topic", "urgency"), rows)
    notes = [(f"K{one:05d}", int(draw.integers(1, 60))) for one in range(tickets) for _ in range(draw.integers(0, 4))]
    _write(folder, "notes", ("ticket", "minutes"), notes)
    tables: dict[str, dict[str, Any]] = {
        "tickets": {"key": "ticket", "links": {"staff": "staff", "topics": "topic"}},
        "notes": {"parent": {"tickets": "ticket"}},
        "departments": {"key": "department", "shared": True, "links": {"staff": "head"}},
        "staff": {"key": "staff", "shared": True, "links": {"departments": "department", "staff": "manager"}},
        "topics": {"key": "topic", "shared": True, "links": {"topics": "above"}},
    }
    return {name: {"read": "csv", "path": str(folder / f"{name}.csv"), **one} for name, one in tables.items()}


def _write(folder: Path, name: str, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
