"""The widget: settings that Python and the browser share, and what a live kernel adds.

Knows traits and messages; knows nothing of how a fit is computed or drawn.
"""

from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from kdlite import page
from kdlite.checks import check_beta, check_each, check_kind
from kdlite.explorer.assets import read
from kdlite.explorer.family import compute, sampled_runs, stored_bytes
from kdlite.explorer.live import Fits
from kdlite.explorer.storage import Family
from kdlite.mixtures.mixture import GaussianMixture

# One module, in this order.
_SCRIPTS = (
    "decode",
    "path",
    "density",
    "samples",
    "theme",
    "canvas",
    "scale",
    "plane",
    "frontier",
    "controls",
    "weights",
    "words",
    "play",
    "live",
    "figure",
    "explorer",
)
_NEW_RUNS = 100


class Explorer(anywidget.AnyWidget):
    """Truth, teacher and student in the plane beside the frontier, with a slider for each setting.

    Works without a kernel, but for new fits and new samples. Tested in JupyterLab and in static pages; Colab and
    VS Code should work by the same conventions, which was not tried. Settings can be read and set from Python;
    a beta beyond the slider moves to its end.

    Args:
        truth: a mixture in the plane to explore instead of the paper's truth; it is fitted at once, for one
            number of teacher components and one of student components.
        beta: the entropy knob, 0 to 100.
        teacher_components: 2, 4, 6 or 8.
        student_components: 1 to 4.
        profile: weights of the paper's eight modes: "equal", "mild" or "strong", proportional to
            exp(-rate * rank) with rates 0, 0.25 and 0.6.
        samples: whose samples to draw: any of "truth", coloured by how likely the student finds them, "student",
            by how likely the truth does, and "teacher".
        runs: "paper" shows the stored runs of the paper's sampled recipe, where the setting is the paper's.
        play: beta moves by itself once, when a reader first sees the explorer, until it is touched.

    Raises:
        ValueError: for a setting that the family does not have.
    """

    _css = read("explorer.css", "mixtures.css")
    _esm = read(*(f"js/{name}.js" for name in _SCRIPTS))

    beta = traitlets.Float(1.0).tag(sync=True)
    teacher_components = traitlets.Int(4).tag(sync=True)
    student_components = traitlets.Int(1).tag(sync=True)
    profile = traitlets.Unicode("mild").tag(sync=True)
    samples = traitlets.List(traitlets.Enum(("truth", "teacher", "student")), ["student"]).tag(sync=True)
    runs = traitlets.Enum(("", "paper", "new"), "").tag(sync=True)
    play = traitlets.Bool(False).tag(sync=True)
    family = traitlets.Bytes().tag(sync=True)  # a Family; see storage.py
    # Where they were dragged.
    modes = traitlets.List(traitlets.List(traitlets.Float(), minlen=2, maxlen=2)).tag(sync=True)
    question = traitlets.Dict().tag(sync=True)  # what the browser wants to know: id, kind
    answer = traitlets.Bytes().tag(sync=True)  # a Family for one setting and these modes
    cloud = traitlets.Bytes().tag(sync=True)  # a Family that holds only runs

    def __init__(
        self,
        truth: GaussianMixture | None = None,
        *,
        beta: float = 1.0,
        teacher_components: int = 4,
        student_components: int = 1,
        profile: str = "mild",
        samples: Sequence[str] = ("student",),
        runs: str = "",
        play: bool = False,
    ) -> None:
        beta = check_beta(beta)
        if truth is None:
            content = stored_bytes()
            self._family = Family.from_bytes(content)
        else:
            check_kind("truth", truth, GaussianMixture, "pass a mixture in the plane")
            profile = "given"
            self._family = compute(
                {profile: truth},
                teacher_components=[teacher_components],
                student_components=[student_components],
            )
            content = self._family.to_bytes()
        for axis, setting in (
            ("teacher_components", teacher_components),
            ("student_components", student_components),
            ("profiles", profile),
        ):
            self._family.at(axis, setting)
        super().__init__(
            family=content,
            beta=beta,
            teacher_components=teacher_components,
            student_components=student_components,
            profile=profile,
            samples=check_each("samples", samples, "[] draws none"),
            runs=runs,
            play=play,
        )
        self._fits = Fits()
        self.on_msg(self._greet)

    @traitlets.validate("beta")
    def _within_stops(self, proposal: dict) -> float:
        betas = self._family.header["betas"]
        return float(np.clip(check_beta(proposal["value"]), betas[0], betas[-1]))

    @traitlets.validate("teacher_components", "student_components", "profile")
    def _known_setting(self, proposal: dict) -> object:
        name, value = proposal["trait"].name, proposal["value"]
        axis = "profiles" if name == "profile" else name
        self._family.at(axis, value)
        return value

    @property
    def truth(self) -> GaussianMixture:
        """The truth p* that is shown, with its modes where they were dragged to."""
        truth = self._family.truth(self.profile)
        return GaussianMixture(truth.weights, self.modes, truth.covariances) if self.modes else truth

    def save_html(self, path: str | Path, *, title: str = "Truth, teacher and student") -> None:
        """Write the explorer as it stands to an HTML file that works without a kernel and without a network.

        Args:
            path: of the file; one that is there is replaced.
            title: the heading of the page.

        Raises:
            ValueError: if the path names no file, or the title is not text.
            OSError: if the file cannot be written, naming it.
        """
        page.save(path, page.widget(self), title=title)

    def _greet(self, _widget: object, content: object, _buffers: object) -> None:
        if isinstance(content, dict) and content.get("kind") == "hello":
            self.send({"kind": "here"})

    @traitlets.observe("question")
    def _reply(self, change: dict) -> None:
        kind, asked = change["new"].get("kind"), {"question": change["new"].get("id"), "modes": self.modes}
        setting = {
            "profile": self.profile,
            "teacher_components": self.teacher_components,
            "student_components": self.student_components,
        }
        if kind == "runs":
            rows = sampled_runs(
                self.truth,
                teacher_components=self.teacher_components,
                student_components=self.student_components,
                beta=self.beta,
                seeds=self._fits.new_seeds(_NEW_RUNS),
            )
            at = {**setting, "beta": self.beta, "modes": self.modes}
            self.cloud = Family({**asked, "runs": at}, {"runs": rows}).to_bytes()
        elif kind in ("current", "curve"):
            betas = [self.beta] if kind == "current" else self._family.header["betas"]
            found = self._fits.fit(self.truth, setting, betas)
            self.answer = Family({**found.header, **asked}, found.arrays).to_bytes()
