"""The steps in the order of what they are worth, each with the seconds that it may take: twelve minutes in all.

Knows names and limits; knows nothing of what a step does.
"""

from typing import NamedTuple


class Step(NamedTuple):
    """One step."""

    where: str  # module and function
    seconds: float
    shape: tuple[str, ...] = ()  # whose SmolLM2 it is about, where there are several


STEPS = {
    "decoder": Step("correct:decoder", 90),
    "training-agrees": Step("correct:training", 60),
    "resume": Step("correct:resume", 60),
    "draw-135M": Step("draw:speed", 60, ("135M",)),
    "draw-360M": Step("draw:speed", 80, ("360M",)),
    "draw-1.7B": Step("draw:speed", 80, ("1.7B",)),
    "train-135M": Step("learn:speed", 30, ("135M",)),
    "train-360M": Step("learn:speed", 30, ("360M",)),
    "train-1.7B": Step("learn:speed", 40, ("1.7B",)),
    "objectives": Step("learn:objectives", 30),
    "on-policy": Step("draw:on_policy", 40),
    "compiled-135M": Step("draw:compiled", 120, ("135M",)),
}
SCALES = ("full", "tiny")
