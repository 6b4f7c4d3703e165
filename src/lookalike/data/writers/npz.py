"""A NumPy archive in the layout of MedMNIST."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, ClassVar, Literal, final
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.core.contracts import Method
from lookalike.core.schema import Modality
from lookalike.core.store import disk_errors
from lookalike.data.images import Images

_EPOCH = (1980, 1, 1, 0, 0, 0)


def _add(archive: zipfile.ZipFile, name: str, values: npt.NDArray[Any]) -> None:
    # numpy.savez stamps the time of day on every member; equal data must give equal bytes.
    info = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as file:
        np.lib.format.write_array(file, values, allow_pickle=False)


@final
class Npz(Method):
    """Writes `images.npz` with `train_images` [N, H, W] or [N, H, W, 3], `train_labels` [N, 1] and `classes` [K]."""

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)

    split: Literal["train", "val", "test"] = Field(default="train", description="Prefix of the arrays' names.")

    def write(self, data: Images, folder: Path) -> list[Path]:
        """Write all rows into an existing folder and return the file written.

        Raises:
            BudgetError: The disk is full.
        """
        path = folder / "images.npz"
        temporary = folder / f".images.{uuid4().hex[:8]}.tmp"
        try:
            with disk_errors(path), zipfile.ZipFile(temporary, "w") as archive:
                _add(archive, f"{self.split}_images", data.pixels[..., 0] if data.channels == 1 else data.pixels)
                _add(archive, f"{self.split}_labels", data.labels[:, None])
                _add(archive, "classes", np.array(data.classes, dtype=np.str_))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return [path]
