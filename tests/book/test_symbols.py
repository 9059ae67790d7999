"""Symbols in formulas get the class of the distribution they stand for."""

import pytest
import symbols


@pytest.mark.parametrize(
    ("tex", "coloured"),
    [
        ("p^*", r"\class{truth}{p^*}"),
        ("p^{*}(x)", r"\class{truth}{p^{*}}(x)"),
        (r"p^\star", r"\class{truth}{p^\star}"),
        ("p'", r"\class{teacher}{p'}"),
        (r"p'(x;\beta)", r"\class{teacher}{p'}(x;\beta)"),
        (r"p'_\beta(x)", r"\class{teacher}{p'_\beta}(x)"),
        ("p''", r"\class{student}{p''}"),
        (r"p''_{\mathrm{direct}}(x)", r"\class{direct}{p''_{\mathrm{direct}}}(x)"),
        (r"\alpha'_{k'}(\beta)", r"\class{teacher}{\alpha'_{k'}}(\beta)"),
        ("K''-1", r"\class{student}{K''}-1"),
        (r"\mathrm{KL}(p^*\|p'')", r"\mathrm{KL}(\class{truth}{p^*}\|\class{student}{p''})"),
    ],
)
def test_symbol_gets_its_role(tex, coloured):
    assert symbols.colour(tex) == coloured


@pytest.mark.parametrize("tex", ["p", "p_1", r"\exp'", "f'(x)", "k'", "p'''", r"\sum_{k'}", "p^2", "x^*"])
def test_other_symbols_stay_as_they_are(tex):
    assert symbols.colour(tex) == tex
