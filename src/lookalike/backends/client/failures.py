"""What can go wrong with one call, sorted by what helps."""

from __future__ import annotations

from typing import final

from lookalike.core.errors import BackendError


@final
class Unreachable(BackendError):
    """The transport failed: no connection, a timeout, a broken or impossible answer, an error of the server's own.

    Another attempt can help.
    """


@final
class Busy(BackendError):
    """The server has more to do than it can (429). Waiting helps.

    Args:
        message: What the server said.
        wait: Seconds it asks to wait, 0 when it does not say.
    """

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


@final
class Refused(BackendError):
    """The server understood and said no: a wrong key, a quota that is used up, an unknown model, a bad request.

    Nothing helps but a change by the user.
    """
