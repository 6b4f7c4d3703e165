"""Time, peak memory and value of the image metrics against torchmetrics and prdc, on the same features.

    python benchmarks/metrics.py                                  20,000 x 512, every contender
    python benchmarks/metrics.py --rows 2000 --only prdc          smaller, one of them

Each contender runs alone in a process of its own: it loads the same two arrays, warms up on a few rows, and is then
timed; its memory is the rise of the process's peak from there on. torchmetrics gets the features through an identity
module (`FrechetInceptionDistance(feature=module)`), so that no network is part of the figure. Use an idle machine:
the ratios move when something else uses the cores.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Values = dict[str, float]
K = 5
BATCH = 1000
WARM = 200


def ours_frechet(real: Array, synthetic: Array) -> Values:
    """Frechet distance of this project."""
    from lookalike.techniques.distances import frechet, moments

    return {"frechet": frechet(moments(real), moments(synthetic))}


def torchmetrics_frechet(real: Array, synthetic: Array) -> Values:
    """Frechet distance of torchmetrics, fed through an identity module in batches of 1,000."""
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    module = torch.nn.Identity()
    module.num_features = real.shape[1]  # type: ignore[assignment]
    metric = FrechetInceptionDistance(feature=module).set_dtype(torch.float64)
    for features, is_real in ((real, True), (synthetic, False)):
        for start in range(0, len(features), BATCH):
            metric.update(torch.from_numpy(features[start : start + BATCH]), real=is_real)
    return {"frechet": float(metric.compute())}


def ours_prdc(real: Array, synthetic: Array) -> Values:
    """Precision, recall, density and coverage of this project."""
    from lookalike.techniques.manifold import overlap

    return overlap(real, synthetic, K).means()


def prdc_prdc(real: Array, synthetic: Array) -> Values:
    """Precision, recall, density and coverage of prdc."""
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real_features=real, fake_features=synthetic, nearest_k=K)
    return {name: float(value) for name, value in found.items()}


PAIRS: dict[str, tuple[Callable[[Array, Array], Values], Callable[[Array, Array], Values]]] = {
    "torchmetrics": (ours_frechet, torchmetrics_frechet),
    "prdc": (ours_prdc, prdc_prdc),
}


def make_features(rows: int, dims: int, folder: Path) -> None:
    """Write two sets that overlap in part, with correlated columns and many zeros, as a network's features have."""
    r = np.random.default_rng(0)
    mix = r.standard_normal((dims // 4 + 1, dims)) / np.sqrt(dims // 4 + 1)
    for name, scale, shift in (("real", 1.0, 0.0), ("synthetic", 1.05, 0.05)):
        hidden = scale * r.standard_normal((rows, len(mix))) + shift
        x = np.maximum(hidden @ mix + 0.3 * r.standard_normal((rows, dims)), 0)
        np.save(folder / f"{name}.npy", x.astype(np.float32))


def measure_here(peer: str, side: int, folder: Path) -> dict[str, Any]:
    """Time one contender in this process and return seconds, rise of the peak in MB, and values."""
    contender = PAIRS[peer][side]
    real, synthetic = (np.load(folder / f"{name}.npy") for name in ("real", "synthetic"))
    contender(real[:WARM], synthetic[:WARM])
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    values = contender(real, synthetic)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "peak_mb": (after.ru_maxrss - before.ru_maxrss) / 1024, "values": values}


def measure_apart(peer: str, side: int, folder: Path) -> dict[str, Any]:
    """Measure one contender in a fresh process."""
    command = [sys.executable, __file__, "--inside", peer, str(side), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(peer: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Measure both sides of one pair by turns and return the ratios of their best runs: other load only adds."""
    turns = [[measure_apart(peer, side, folder) for side in (0, 1)] for _ in range(repeats)]
    ours, theirs = (
        {**runs[0], **{name: min(run[name] for run in runs) for name in ("seconds", "cpu", "peak_mb")}}
        for runs in zip(*turns, strict=True)
    )
    return {
        "peer": peer,
        "ours": ours,
        "theirs": theirs,
        "time_ratio": theirs["seconds"] / ours["seconds"],
        "cpu_ratio": theirs["cpu"] / ours["cpu"],
        "memory_ratio": theirs["peak_mb"] / max(ours["peak_mb"], 1.0),
        "difference": {name: ours["values"][name] - value for name, value in theirs["values"].items()},
    }


def show(result: dict[str, Any]) -> None:
    """Print one pair as a table."""
    print(f"\nlookalike against {result['peer']}")
    print(f"{'':14}{'seconds':>10}{'CPU s':>10}{'peak MB':>10}")
    for name, side in (("lookalike", "ours"), (result["peer"], "theirs")):
        row = result[side]
        print(f"{name:14}{row['seconds']:10.2f}{row['cpu']:10.2f}{row['peak_mb']:10.0f}")
    ratios = (result["time_ratio"], result["cpu_ratio"], result["memory_ratio"])
    print(f"{'peer / ours':14}" + "".join(f"{ratio:10.2f}" for ratio in ratios))
    for name, difference in result["difference"].items():
        print(f"  {name}: {result['ours']['values'][name]:.10g}, difference {difference:.2g}")
    equal = all(abs(value) < 1e-6 for value in result["difference"].values())
    met = equal and (result["time_ratio"] >= 2 or result["memory_ratio"] >= 4)
    print(f"  goal (equal values, and twice as fast or a quarter of the memory): {'met' if met else 'NOT met'}")


def main() -> None:
    """Parse the command line, measure, print tables and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dims", type=int, default=512)
    parser.add_argument("--only", choices=sorted(PAIRS))
    parser.add_argument(
        "--repeats", type=int, default=1, help="processes for each contender, by turns; the best counts"
    )
    parser.add_argument("--json", type=Path, help="write the results here as well")
    parser.add_argument("--inside", nargs=3, metavar=("PEER", "SIDE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        peer, side, place = options.inside
        print(json.dumps(measure_here(peer, int(side), Path(place))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_features(options.rows, options.dims, folder)
        results = [compare(peer, folder, options.repeats) for peer in PAIRS if options.only in (None, peer)]
    print(f"{options.rows:,} x {options.dims} float32 features, two sets")
    for result in results:
        show(result)
    report = {"rows": options.rows, "dims": options.dims, "k": K, "results": results}
    print("\n" + json.dumps(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
