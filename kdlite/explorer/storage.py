"""The file format of a family of fits: what Python writes and the browser reads.

Knows bytes, arrays and mixtures; knows nothing of how a fit is made or drawn.

Layout, all little-endian: the magic bytes ``KDLF``; the length of the header (uint32); CRC-32 of all that
follows (uint32); the header, JSON padded with spaces to a multiple of 4; float32 data. The header lists the
settings along each axis and, for each array, its shape and where in the data it starts, in floats. A mixture
is a row of six numbers a component: weight, mean x, mean y, covariance xx, xy, yy. Rows of weight 0 are padding.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np

from kdlite.checks import show
from kdlite.mixtures.mixture import GaussianMixture

_MAGIC = b"KDLF"
_PREFIX = struct.Struct("<4sII")


@dataclass(frozen=True)
class Family:
    """Exact fits for every setting of the sliders, and the numbers that belong to them.

    The axes of the arrays are those of the header: P profiles of the truth's weights, A numbers of teacher
    components, S numbers of student components, B betas. Mixtures have 6 numbers a component.

    Attributes:
        header: "profiles", "teacher_components", "student_components", "betas", and anything else of use.
        arrays: "truth" (P, K, 6); "limits" (P, 2), its own score -H(p*) and max log p*; "teacher" (P, A, K', 6);
            "sharpened" (P, A, B, K'), its weights; "entropy" (P, A, B), of those weights; "student"
            (P, A, S, B, K'', 6); "direct" (P, S, K'', 6); "cooled" (P, S, B, K''), its weights when sharpened;
            "teacher_score" (P, A, B, 2), "distilled_score" (P, A, S, B, 2), "direct_score" (P, S, 2) and
            "cooled_score" (P, S, B, 2), each precision and recall; "distilled_entropy" (P, A, S, B) and
            "direct_entropy" (P, S), the students' own in nats; maybe "runs" (R, 4), see ``sampled_runs``.
    """

    header: dict
    arrays: dict[str, np.ndarray]

    def to_bytes(self) -> bytes:
        """The file, see the layout above."""
        listed, start = {}, 0
        for name, array in self.arrays.items():
            listed[name] = {"start": start, "shape": list(array.shape)}
            start += array.size
        header = json.dumps({**self.header, "arrays": listed}, allow_nan=False).encode()
        header += b" " * (-len(header) % 4)
        data = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in self.arrays.values())
        return _PREFIX.pack(_MAGIC, len(header), zlib.crc32(header + data)) + header + data

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            ValueError: if the content is no family, or a damaged one.
        """
        body = content[_PREFIX.size :]
        magic, length, checksum = _PREFIX.unpack_from(content.ljust(_PREFIX.size, b"\0"))
        if len(content) < _PREFIX.size or magic != _MAGIC or zlib.crc32(body) != checksum:
            raise ValueError(
                f"these {len(content)} bytes are no family of fits, or a damaged one; "
                "rebuild it with: python -m kdlite.explorer.family"
            )
        header, data = json.loads(body[:length]), np.frombuffer(body, "<f4", offset=length)
        arrays = {}
        for name, place in header.pop("arrays").items():
            size = int(np.prod(place["shape"]))
            arrays[name] = data[place["start"] : place["start"] + size].reshape(place["shape"])
        return cls(header, arrays)

    def truth(self, profile: str) -> GaussianMixture:
        """The truth p* with this profile of weights."""
        return to_mixture(self.arrays["truth"][self.at("profiles", profile)])

    def teacher(self, profile: str, teacher_components: int) -> GaussianMixture:
        """The teacher p', before sharpening."""
        p, a = self.at("profiles", profile), self.at("teacher_components", teacher_components)
        return to_mixture(self.arrays["teacher"][p, a])

    def student(
        self, profile: str, teacher_components: int, student_components: int, beta: float
    ) -> GaussianMixture:
        """The distilled student p''."""
        p, a = self.at("profiles", profile), self.at("teacher_components", teacher_components)
        s, b = self.at("student_components", student_components), self.at("betas", beta)
        return to_mixture(self.arrays["student"][p, a, s, b])

    def direct(self, profile: str, student_components: int) -> GaussianMixture:
        """The student that is fitted to the truth itself."""
        p, s = self.at("profiles", profile), self.at("student_components", student_components)
        return to_mixture(self.arrays["direct"][p, s])

    def at(self, axis: str, setting: object) -> int:
        """The index of a setting along an axis.

        Raises:
            ValueError: if the axis has no such setting.
        """
        settings = self.header[axis]
        if not isinstance(setting, str | int | float) or isinstance(setting, bool) or setting not in settings:
            raise ValueError(
                f"{show(setting)} is not among the {axis} of this family; choose from {settings}"
            )
        return settings.index(setting)


def to_rows(mixture: GaussianMixture, n_rows: int) -> np.ndarray:
    """A mixture in the plane as ``(n_rows, 6)`` numbers; components of weight 0 are left out."""
    on = np.flatnonzero(mixture.weights)
    xx, xy, yy = mixture.covariances[on][:, [0, 0, 1], [0, 1, 1]].T
    rows = np.zeros((n_rows, 6))
    rows[: len(on)] = np.column_stack([mixture.weights[on], mixture.means[on], xx, xy, yy])
    return rows


def to_mixture(rows: np.ndarray) -> GaussianMixture:
    """The mixture that the rows ``(K, 6)`` describe."""
    rows = rows[rows[:, 0] > 0].astype(np.float64)
    return GaussianMixture(rows[:, 0], rows[:, 1:3], rows[:, [3, 4, 4, 5]].reshape(-1, 2, 2))
