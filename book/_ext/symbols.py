r"""Colour the symbols of the four distributions in every formula.

Authors write plain TeX, which JupyterLab and Colab show as it is. In the book,
`p^*` becomes `\textcolor{truth}{p^*}`, `p'` becomes a teacher, `p''` a student and
`p''_{\mathrm{direct}}` the direct student. The same holds for what belongs to
them: weights, means, covariances, numbers of components. book.css gives each
class its colour.
"""

import re

from docutils import nodes
from sphinx.transforms import SphinxTransform

SYMBOL = re.compile(
    r"""(?<![A-Za-z\\'])
    (?: p | K | \\alpha | \\mu | \\Sigma )    # a distribution, or a part of one
    (?: \^ (?P<truth> \* | \{ \* \} | \\ast \b | \\star \b )
      | (?P<primes> '{1,2} ) (?!') )
    (?P<index> _ (?: \{ (?: [^{}] | \{ [^{}]* \} )* \}
                   | \\[A-Za-z]+
                   | [A-Za-z0-9] ) )?
    """,
    re.VERBOSE,
)


def role(match):
    if match["truth"]:
        return "truth"
    if match["primes"] == "'":
        return "teacher"
    return "direct" if "direct" in (match["index"] or "") else "student"


def colour(tex):
    return SYMBOL.sub(
        lambda match: rf"\textcolor{{{role(match)}}}{{{match[0]}}}", tex
    )


class ColourSymbols(SphinxTransform):
    default_priority = 500

    def apply(self):
        for kind in (nodes.math, nodes.math_block):
            for node in self.document.findall(kind):
                node[:] = [nodes.Text(colour(node.astext()))]


def setup(app):
    app.add_transform(ColourSymbols)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
