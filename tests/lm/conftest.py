"""The small model and its wheel, for the tests that load one."""

from small_model import cache, index, small, wheel  # noqa: F401
