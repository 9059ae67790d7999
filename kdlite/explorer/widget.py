"""The widget: settings that Python and the browser share, and a kernel's end of the conversation.

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
from kdlite.explorer.family import compute, stored_bytes
from kdlite.explorer.runtime import runtime
from kdlite.explorer.session import Session, truth_of
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
    "truth",
    "live",
    "figure",
    "explorer",
)


class Explorer(anywidget.AnyWidget):
    """Truth, teacher and student in the plane beside the frontier, with a slider for each setting.

    Works without a kernel; new fits and new samples need one, or a page that has Python in it, as the book's pages have
    and those of ``save_html(live=True)``. Tested in JupyterLab and in static pages; Colab and
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
    # A truth of the reader's own, as rows of a Family; [] is the one of the profile.
    modes = traitlets.List(traitlets.List(traitlets.Float(), minlen=6, maxlen=6)).tag(sync=True)
    question = traitlets.Dict().tag(sync=True)  # the last one asked; see session.py
    answer = traitlets.Bytes().tag(sync=True)  # a Family for one setting and one truth
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
        self._session = Session()
        self.on_msg(self._hear)

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

    @traitlets.validate("modes")
    def _known_modes(self, proposal: dict) -> list:
        if proposal["value"]:
            truth_of(proposal["value"])
        return proposal["value"]

    @property
    def truth(self) -> GaussianMixture:
        """The truth p* that is shown, with its modes as the reader has changed them."""
        return truth_of(self.modes) if self.modes else self._family.truth(self.profile)

    def save_html(
        self, path: str | Path, *, title: str = "Truth, teacher and student", live: bool = False
    ) -> None:
        """Write the explorer as it stands to an HTML file that works without a kernel and without a network.

        Args:
            path: of the file; one that is there is replaced.
            title: the heading of the page.
            live: whether the file holds Python as well, 12 MB, so that modes can be moved and samples drawn in it.

        Raises:
            ValueError: if the path names no file, or the title is not text.
            OSError: if the file cannot be written, naming it; or if its Python cannot be had (``runtime.fetch``).
        """
        check_kind("live", live, bool, "True puts Python into the file")
        page.save(path, page.widget(self, runtime() if live else ""), title=title)

    def _hear(self, _widget: object, message: object, _buffers: object) -> None:
        kind = message.get("kind") if isinstance(message, dict) else None
        if kind == "hello":
            self.send({"kind": "here"})
        elif kind != "wake":  # a kernel is awake
            reply, content = self._session.reply(message)
            if content:
                self.set_trait(reply["name"], content)
            self.send(reply)
