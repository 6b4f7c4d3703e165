"""The error tree: every message says what was wrong, what was found, what is allowed and how to fix it."""

from __future__ import annotations


class LookalikeError(Exception):
    """Base of every error that a user can cause or cure; the command line prints it as one line."""

    exit_code = 2


class ConfigError(LookalikeError):
    """A recipe, an option or a method's setting is not usable."""


class DataError(LookalikeError):
    """The data cannot be read, or cannot carry what was asked of them."""


class BackendError(LookalikeError):
    """A model server, a simulator or a worker process failed."""

    exit_code = 3


class BudgetError(LookalikeError):
    """A stated limit (minutes, attempts, disk, money, epsilon) ended before the work was done."""
