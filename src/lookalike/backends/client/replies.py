"""Every answer of a server, kept by its request: killing costs nothing, and nothing is paid twice."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import final

from lookalike.core.dialogue import Reply, Request, TokenProbability
from lookalike.core.errors import BudgetError, DataError
from lookalike.core.store import digest

_FILE = "answers.sqlite"
_BUSY_SECONDS = 60


def request_key(server: str, request: Request) -> str:
    """Return the hash that names a request to a server; equal requests have equal keys.

    Args:
        server: Which model answers where; holds no secret.
        request: What is asked.
    """
    # dataclasses.asdict copies deeply, which costs more than all the rest.
    return digest([server, {**vars(request), "messages": [vars(message) for message in request.messages]}])


@final
class Replies:
    """A table of raw answers in one SQLite file; several processes may use it at once.

    An answer is on the disk before `put` returns.

    Args:
        folder: Existing folder for the file; None keeps the answers in memory.

    Raises:
        DataError: The file is damaged.
    """

    def __init__(self, folder: Path | None) -> None:
        """Open or make the file."""
        place = ":memory:" if folder is None else str(folder / _FILE)
        try:
            self._base = sqlite3.connect(place, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)")
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"{_FILE} is damaged: {error}; remove it from {folder} and pay for the answers again"
            ) from None

    def get(self, key: str) -> Reply | None:
        """Return the answer of a request, or None when there is none yet."""
        found = self._base.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        if found is None:
            return None
        fields = json.loads(found[0])
        fields["logprobs"] = tuple(TokenProbability(**token) for token in fields["logprobs"])
        return Reply(**fields)

    def put(self, key: str, reply: Reply) -> None:
        """Keep an answer; the first one of a key stays.

        Raises:
            BudgetError: The disk is full.
        """
        # Half a character cannot be stored as UTF-8; JSON escapes it.
        content = json.dumps({**vars(reply), "logprobs": [vars(token) for token in reply.logprobs]}, ensure_ascii=True)
        try:
            self._base.execute("INSERT OR IGNORE INTO answers VALUES (?, ?)", (key, content))
        except sqlite3.OperationalError as error:
            raise BudgetError(
                f"an answer cannot be kept: {error}; free some space and run the same command again"
            ) from None

    def tokens(self) -> tuple[int, int]:
        """Return the tokens of all requests and of all answers that are kept: what was paid for them."""
        paid = self._base.execute(
            "SELECT sum(json_extract(answer, '$.tokens_in')), sum(json_extract(answer, '$.tokens_out')) FROM answers"
        ).fetchone()
        return int(paid[0] or 0), int(paid[1] or 0)

    def __len__(self) -> int:
        """Number of answers."""
        return int(self._base.execute("SELECT count(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._base.close()
