"""Texts coloured by surprisal: numbers, steps and grounds are right, and text is never markup."""

import re
from html import unescape

import numpy as np
import pytest
from bs4 import BeautifulSoup

from kdlite.explorer.surprisal import EDGES, GROUNDS, spell
from kdlite.lm import Language, Surprisal
from kdlite.texts.language import Reading

PIECES = {0: "<|end|>", 1: " Paris", 2: "<b>&amp;", 3: "\n\n", 4: "The"}
# Ground and letters of pages: the book and the widget, JupyterLab, Colab and VS Code, light and dark; and the light
# card on which the dark book shows outputs.
PAGES = {"widget": ("ffffff", "24292f"), "book": ("ffffff", "222832"), "lab": ("ffffff", "212121"),
         "dark widget": ("16191e", "e8eaed"), "card": ("ced6dd", "222832"), "dark lab": ("111111", "ffffff"),
         "dark colab": ("383838", "ffffff"), "dark code": ("1f1f1f", "cccccc")}  # fmt: skip


class Tokenizer:
    def decode(self, ids):
        return "".join(PIECES[i] for i in ids)


def reading():
    language = Language(vocabulary=5, length=4, prompt=(4,), eos=0)
    tokens = np.array([[1, 2, 0, 0], [3, 1, 1, 2]])
    return Reading(language, tokens, np.float32([[-0.26, -0.5, -9, 0], [-1, -3, -5, -0.51]]), None)


def spans(html):
    found = re.findall(r'<span style="background: ([^"]*)" title="([^"]*)">(.*?)</span>', html)
    return [(ground, title, unescape(token)) for ground, title, token in found]


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)])


def luminance(colour):
    share = np.asarray(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


def over(ground, page):
    red, green, blue, alpha = map(float, re.findall(r"[\d.]+", ground))
    return alpha * np.array([red, green, blue]) + (1 - alpha) * page


@pytest.mark.parametrize("page", PAGES)
def test_letters_stand_out_and_steps_differ_in_lightness(page):
    below, letters = map(rgb, PAGES[page])
    grounds = [luminance(over(ground, below)) for ground in GROUNDS]
    for ground in grounds:
        high, low = sorted((float(ground), float(luminance(letters))), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5
    steps = np.diff(np.log(np.array(grounds) + 0.05))
    assert np.all(steps < 0) if luminance(below) > 0.5 else np.all(steps > 0)
    assert len(GROUNDS) == len(EDGES) + 1


def test_every_token_has_its_ground_and_its_number():
    html = Surprisal(reading(), Tokenizer())._repr_html_()
    assert spans(html) == [
        (GROUNDS[0], "−0.26 nats, probability 0.77", " Paris"),
        (GROUNDS[0], "−0.50 nats, probability 0.61", "<b>&amp;"),
        (GROUNDS[5], "−9.00 nats, probability 0.00012", "⟨end⟩"),
        (GROUNDS[1], "−1.00 nats, probability 0.37", "↵↵"),
        (GROUNDS[3], "−3.00 nats, probability 0.05", " Paris"),
        (GROUNDS[4], "−5.00 nats, probability 0.0067", " Paris"),
        (GROUNDS[1], "−0.51 nats, probability 0.6", "<b>&amp;"),
    ]
    assert html.count("<i>The</i>") == 2
    assert re.findall(r"<b>(.*?)</b>", html) == ["−3.3", "−2.4"]


def test_text_is_never_markup(monkeypatch):
    monkeypatch.setitem(PIECES, 1, "<img src=x onerror=alert(1)>")
    html = Surprisal(reading(), Tokenizer())._repr_html_()
    assert "<img" not in html and "&lt;img src=x onerror=alert(1)&gt;" in html


HOSTILE = ["<script>alert(1)</script>", "</script>", "</span></div>", "&lt;&amp;", """\"' onmouseover='alert(1)""",
           "<!--", "]]>", "\u2028</div>", "\u202e<b>", "\x00<i>", "<svg/onload=alert(1)>", "javascript:alert(1)"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_element_and_no_attribute_comes_of_a_text_or_a_prompt(text, monkeypatch):
    plain = BeautifulSoup(Surprisal(reading(), Tokenizer())._repr_html_(), "html.parser")
    for token in (1, 4):  # in the texts, and in the prompt
        monkeypatch.setitem(PIECES, token, text)
    page = BeautifulSoup(Surprisal(reading(), Tokenizer())._repr_html_(), "html.parser")
    shape = [[(tag.name, sorted(tag.attrs)) for tag in p.find_all(True)] for p in (plain, page)]
    assert shape[0] == shape[1]
    assert page.find("span", title=True).get_text() == spell([1], {1: text}, None)[0]
    assert [i.get_text() for i in page.find_all("i")] == [text, text]


def test_marks_of_direction_do_not_reach_the_page():
    marks = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert spell([1], {1: f"a{marks}b\u2028c"}, None) == [f"a{'⇄' * len(marks)}b↵c"]


def test_without_a_tokenizer_ids_stand_for_tokens():
    shown = Surprisal(reading())
    assert [token for *_, token in spans(shown._repr_html_())][:3] == [" 1", " 2", "⟨end⟩"]
    assert str(shown) == "−3.3  1 2⟨end⟩\n−2.4  3 1 1 2"


def test_what_shows_nothing_is_made_visible():
    pieces = {1: "a\tb\r\n", 2: "\x00", 3: ""}
    assert spell([1, 2, 3, 9, 1], pieces, end=9) == ["a⇥b␍↵", "␀", "∅", "⟨end⟩"]
