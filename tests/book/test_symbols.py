"""Symbols in formulas get the class of the distribution they stand for."""

import pytest
import symbols


@pytest.mark.parametrize(
    ("tex", "coloured"),
    [
        ("p^*", r"\textcolor{truth}{p^*}"),
        ("p^{*}(x)", r"\textcolor{truth}{p^{*}}(x)"),
        (r"p^\star", r"\textcolor{truth}{p^\star}"),
        ("p'", r"\textcolor{teacher}{p'}"),
        (r"p'(x;\beta)", r"\textcolor{teacher}{p'}(x;\beta)"),
        (r"p'_\beta(x)", r"\textcolor{teacher}{p'_\beta}(x)"),
        ("p''", r"\textcolor{student}{p''}"),
        (r"p''_{\mathrm{direct}}(x)", r"\textcolor{direct}{p''_{\mathrm{direct}}}(x)"),
        (r"\alpha'_{k'}(\beta)", r"\textcolor{teacher}{\alpha'_{k'}}(\beta)"),
        ("K''-1", r"\textcolor{student}{K''}-1"),
        (r"\mathrm{KL}(p^*\|p'')", r"\mathrm{KL}(\textcolor{truth}{p^*}\|\textcolor{student}{p''})"),
    ],
)
def test_symbol_gets_its_role(tex, coloured):
    assert symbols.colour(tex) == coloured


@pytest.mark.parametrize("tex", ["p", "p_1", r"\exp'", "f'(x)", "k'", "p'''", r"\sum_{k'}", "p^2", "x^*"])
def test_other_symbols_stay_as_they_are(tex):
    assert symbols.colour(tex) == tex
