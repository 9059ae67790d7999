"""What transformers and huggingface_hub would show, not shown.

Knows their settings; knows nothing of what they load.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars
from transformers.utils import logging


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers' own; its setting is put back."""
    shown, hub_hidden = logging.is_progress_bar_enabled(), are_progress_bars_disabled()
    logging.disable_progress_bar()  # the Hub's with them
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
        if hub_hidden:
            disable_progress_bars()
