"""A drawing stands in the page with its caption, describes itself, and is drawn to the numbers of the book."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from chapters import BOOK

import kdlite as kd

DRAWINGS = sorted((BOOK / "images").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_describes_itself_and_loads_nothing(path):
    drawing = ElementTree.parse(path).getroot()
    named = drawing.get("aria-labelledby").split()
    assert [drawing.find(f"{SVG}{tag}").get("id") for tag in ("title", "desc")] == named
    assert not re.search(r"href=\"(?!#)|url\(|<script|\son\w+=", path.read_text())


def test_the_story_is_drawn_to_its_fits():
    truth = kd.examples.ring()
    teacher = kd.fit_mixture(truth, 4)
    sharp = teacher.sharpen(16)
    fits = {"truth": truth, "teacher": teacher, "sharp": sharp}
    fits |= {"student": kd.fit_mixture(sharp, 1), "direct": kd.fit_mixture(truth, 1)}
    drawing = ElementTree.parse(BOOK / "images" / "story.svg")
    for name, fit in fits.items():
        drawn = drawing.findall(f".//{SVG}g[@id='story-{name}']/{SVG}ellipse")
        numbers = [[float(each.get(key)) for key in ("cx", "cy", "rx", "ry")] for each in drawn]
        radii = 2 * np.sqrt(np.diagonal(fit.covariances, axis1=1, axis2=2))
        assert np.allclose(numbers, np.hstack([fit.means * [1, -1], radii]), atol=2e-3)
