"""What adaptive augmentation is worth with few images: the same training with and without it, seed by seed.

    python benchmarks/gan_augment.py --method image.dcgan --steps 40000 --seeds 0 1 2

Fashion-MNIST: a keyed choice of training images for the generator; Frechet distance, recall and coverage against test
images that nothing learns from (with `--trial` against training images that the generator does not see, to choose
settings by), in features of a classifier of all training images. Prints one row for each training and the mean
difference.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

DATA = "/usr/share/datasets/fashion-mnist"
ROWS = 5000
K = 5
CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]


def read(split: str, folder: Path) -> Any:
    """Return the images of a split."""
    from lookalike import find

    folder.mkdir()
    return find("readers", "idx")(path=DATA, split=split, classes=CLASSES).read(folder)


def main() -> None:
    """Train, measure and print."""
    from lookalike import Rng, find
    from lookalike.core.events import SILENT
    from lookalike.techniques.distances import frechet, moments
    from lookalike.techniques.manifold import overlap

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="image.stylegan2")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--target", type=float, default=0.6, help="mean sign of the discriminator to steer to")
    parser.add_argument("--trial", action="store_true", help="look at training images that are left over, at no test")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp())
    train, test = read("train", root / "train"), read("test", root / "test")
    features = find("encoders", "image.task_cnn")().prepare(train)
    order = Rng(0).child("few").numpy().permutation(len(train))
    few, rest = train.take(np.sort(order[: asked.images])), train.take(np.sort(order[-ROWS:]))
    real = features.embed(rest if asked.trial else test.take(np.arange(ROWS)))
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    print("seed | augmentation | p at the end | Frechet distance | recall | coverage")
    for seed in asked.seeds:
        for augmented in (False, True):
            settings = {"steps": asked.steps, "augment": augmented, "augment_target": asked.target}
            generator = find("generators", asked.method)(**settings)
            model = generator.fit(few, Rng(seed), SILENT)
            made = features.embed(model.sample(ROWS, Rng(seed).child("sample")))
            figures = overlap(real, made, K).means()
            row = [frechet(moments(real), moments(made)), figures["recall"], figures["coverage"]]
            found[augmented].append(row)
            p = model.about["augment_p"] if augmented else 0.0
            shown = " | ".join(f"{value:.3f}" for value in row)
            print(f"{seed} | {'on' if augmented else 'off'} | {p:.2f} | {shown}", flush=True)
    difference = np.array(found[True]) - np.array(found[False])
    print("on - off, mean |  |  | " + " | ".join(f"{value:+.3f}" for value in difference.mean(axis=0)))
    print(f"seeds with a smaller distance: {int((difference[:, 0] < 0).sum())} of {len(asked.seeds)}")
    print(f"seeds with more recall: {int((difference[:, 1] > 0).sum())} of {len(asked.seeds)}")


if __name__ == "__main__":
    main()
