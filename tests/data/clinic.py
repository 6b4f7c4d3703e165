"""Small files of a clinic: patients with visits, and doctors, whom many patients see, in departments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FIELDS = ("heart", "skin", "bones")


def write_clinic(folder: Path, n: int = 300, doctors: int = 30, seed: int = 0) -> dict[str, Any]:
    """Write the files and return the settings that read them.

    A visit is to a doctor of the field that the patient's complaint belongs to, in nine cases of ten, and to the same
    doctor as the one before in eight of ten; a few doctors see most patients. One visit in twenty has no doctor.
    Doctors of bones are older, and each department has doctors of one field.
    """
    draw = np.random.default_rng(seed)
    field = np.arange(doctors) % len(FIELDS)
    known = pd.DataFrame(
        {
            "doctor": [f"D{k:03d}" for k in draw.permutation(doctors) + 100],
            "field": np.array(FIELDS)[field],
            "age": np.where(field == 2, 58, 40) + draw.integers(0, 8, doctors),
            "department": [f"dep-{k}" for k in field],
        }
    )
    departments = pd.DataFrame({"department": [f"dep-{k}" for k in range(len(FIELDS))], "beds": [20, 60, 100]})
    complaint = draw.integers(0, len(FIELDS), n)
    patients = pd.DataFrame({"patient": np.arange(n) + 5000, "complaint": np.array(FIELDS)[complaint]})
    liked = 1.0 / np.arange(1, doctors + 1)
    rows = []
    for patient in range(n):
        last, day = -1, draw.integers(0, 300)
        for _ in range(draw.integers(1, 8)):
            if last < 0 or draw.random() > 0.8:
                wanted = complaint[patient] if draw.random() < 0.9 else draw.integers(0, len(FIELDS))
                chance = liked * (field == wanted)
                last = int(draw.choice(doctors, p=chance / chance.sum()))
            doctor = "" if draw.random() < 0.05 else known["doctor"][last]
            day += draw.integers(1, 60)
            rows.append((5000 + patient, doctor, int(draw.integers(10, 99)), day))
    visits = pd.DataFrame(rows, columns=["patient", "doctor", "cost", "day"])
    for name, table in (("patients", patients), ("visits", visits), ("doctors", known), ("departments", departments)):
        table.to_csv(folder / f"{name}.csv", index=False)
    place = {name: str(folder / f"{name}.csv") for name in ("patients", "visits", "doctors", "departments")}
    return {
        "patients": {"read": "csv", "path": place["patients"], "key": "patient"},
        "visits": {
            "read": "csv",
            "path": place["visits"],
            "parent": {"patients": "patient"},
            "links": {"doctors": "doctor"},
            "order": "day",
        },
        "doctors": {
            "read": "csv",
            "path": place["doctors"],
            "key": "doctor",
            "shared": True,
            "links": {"departments": "department"},
        },
        "departments": {"read": "csv", "path": place["departments"], "key": "department", "shared": True},
    }
