"""A final name means complete; nothing half-written is ever seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.core.errors import BudgetError
from lookalike.core.store import Store, digest, file_digest, publish, write_file, write_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(list(value.items()))))


def test_a_digest_tells_values_apart() -> None:
    values = [0, "0", None, "", [], {}, [0], {"a": 0}, {"a": "0"}, [[0]], False, "a", ["a", "b"], ["ab"]]
    assert len({digest(value) for value in values}) == len(values)


def test_a_folder_is_built_once(tmp_path: Path) -> None:
    store, calls = Store(tmp_path / "s"), []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "x").write_text("1")

    key = digest("k")
    first = store.make("fit", key, build)
    assert store.make("fit", key, build) == first
    assert len(calls) == 1
    assert (first / "x").read_text() == "1"
    assert store.has("fit", key)
    assert not store.has("fit", digest("other"))


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def build(folder: Path) -> None:
        (folder / "x").write_text("1")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        store.make("fit", digest("k"), build)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_build_is_swept_and_never_counts(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from lookalike.core.store import Store
        def build(folder):
            (folder / "x").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        Store(Path(sys.argv[1])).make("fit", "k" * 64, build)
        """
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    assert not store.has("fit", "k" * 64)
    assert len(list(tmp_path.iterdir())) == 1
    store.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from lookalike.core.errors import BudgetError
        from lookalike.core.store import write_file
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        target = Path(sys.argv[1]) / "big"
        try:
            write_file(target, b"x" * 100_000)
        except BudgetError as error:
            sys.exit(0 if "is full" in str(error) and not list(target.parent.iterdir()) else 3)
        sys.exit(4)
        """
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0


def test_no_space_left_is_a_budget_error(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(BudgetError, match="run the same command again"):
        Store(tmp_path).make("fit", digest("k"), build)


def test_publishing_replaces_and_leaves_the_source_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.mkdir()
    (source / "x").write_text("1")
    publish(source, target)
    (target / "x").write_text("changed by a user")
    assert (source / "x").read_text() == "1"
    publish(source, target)
    assert (target / "x").read_text() == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    write_json(path, {"a": 1})
    before = file_digest(path)
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert file_digest(path) == before
    write_file(path, "text")
    assert path.read_text() == "text"
    assert os.listdir(tmp_path) == ["f.json"]
