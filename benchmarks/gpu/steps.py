"""The steps in the order of what they are worth, each with the seconds that it may take: twelve minutes in all.

Knows names and limits; knows nothing of what a step does.
"""

from typing import NamedTuple


class Step(NamedTuple):
    """One step."""

    where: str  # module and function
    seconds: float


STEPS = {
    "decoder": Step("correct:decoder", 90),
    "training-agrees": Step("correct:training", 60),
    "resume": Step("correct:resume", 60),
    "draw-135M": Step("draw:smallest", 100),
    "draw-360M": Step("draw:middle", 80),
    "draw-1.7B": Step("draw:largest", 100),
    "on-policy": Step("draw:on_policy", 60),
    "train-135M": Step("learn:smallest", 50),
    "train-360M": Step("learn:middle", 40),
    "train-1.7B": Step("learn:largest", 50),
    "objectives": Step("learn:objectives", 30),
}
SCALES = ("full", "tiny")
