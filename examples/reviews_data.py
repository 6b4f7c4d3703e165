"""Writes reviews/train.csv (20 rows) and reviews/test.csv (2,000 rows) for reviews.yaml, from a published data set.

The data are 14,311 sentences of film and product reviews, each with the mean of 20 human ratings from -4 to 4 (Hutto
and Gilbert 2014, MIT licence). They come in the source archive of vaderSentiment:

    pip download --no-deps --no-binary :all: vaderSentiment==3.3.2
    python examples/reviews_data.py vaderSentiment-3.3.2.tar.gz
"""

from __future__ import annotations

import csv
import io
import sys
import tarfile
from pathlib import Path

import numpy as np

INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
FILES = {"film": "movieReviewSnippets_GroundTruth.txt", "product": "amazonReviewSnippets_GroundTruth.txt"}
TRAIN, TEST = 5, 500
"""Rows of each kind and sentiment."""
CLEAR = 1.0
"""Ratings nearer to 0 are left out: people do not agree on them."""
MOST_BYTES = 64 << 20


def member(archive: tarfile.TarFile, end: str) -> bytes:
    """Return the content of the one file whose name ends so."""
    found = next((one for one in archive if one.isfile() and one.name.endswith(end)), None)
    file = archive.extractfile(found) if found is not None and found.size < MOST_BYTES else None
    if file is None:
        raise SystemExit(f"the archive holds no {end}; is it the source archive of vaderSentiment 3.3.2?")
    return file.read()


def sentences(content: bytes) -> dict[str, list[str]]:
    """Return the clear sentences of 5 to 40 words by sentiment, each once."""
    found: dict[str, dict[str, None]] = {"Positive": {}, "Negative": {}}
    for line in content.decode("latin-1").splitlines():
        _, rating, text = line.split("\t", 2)
        if abs(float(rating)) >= CLEAR and 5 <= len(text.split()) <= 40:
            found["Positive" if float(rating) > 0 else "Negative"][text.strip()] = None
    return {label: list(texts) for label, texts in found.items()}


def main(path: Path, seed: int = 1) -> None:
    """Write both files into the folder `reviews` beside this script."""
    with tarfile.open(path) as outer, tarfile.open(fileobj=io.BytesIO(member(outer, INNER))) as inner:
        kinds = {kind: sentences(member(inner, name)) for kind, name in FILES.items()}
    draw = np.random.default_rng(seed)
    folder = Path(__file__).resolve().parent / "reviews"
    folder.mkdir(exist_ok=True)
    rows: dict[str, list[tuple[str, str, str]]] = {"train": [], "test": []}
    for kind, labels in kinds.items():
        for label, texts in labels.items():
            chosen = [texts[place] for place in draw.permutation(len(texts))[: TRAIN + TEST]]
            rows["train"] += [(text, label, kind) for text in chosen[:TRAIN]]
            rows["test"] += [(text, label, kind) for text in chosen[TRAIN:]]
    for part, lines in rows.items():
        with (folder / f"{part}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "sentiment", "kind"), *lines])
        sys.stdout.write(f"{folder / part}.csv: {len(lines)} rows\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
