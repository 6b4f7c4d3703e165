"""One worker process: `python -m lookalike.runners.worker job.json 0,2,4` makes those shards and ends."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from lookalike.core.errors import LookalikeError
from lookalike.pipeline.shards import Job, load_fitted, make_shards
from lookalike.runners.local import one_thread


def _end_with_parent() -> None:
    """Leave when the parent's end of the pipe closes: a worker must not outlive a killed run."""
    os.read(0, 1)
    os._exit(1)


def main() -> int:
    """Make the shards named on the command line and return the exit code."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job = Job.model_validate_json(Path(sys.argv[1]).read_text())
    try:
        with one_thread():
            make_shards(job, [int(shard) for shard in sys.argv[2].split(",")], load_fitted(job), lambda shard: None)
    except LookalikeError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
