"""Put drawings into the page itself, where they take its colours, light or dark, with their caption below.

    ![The story, drawn](images/story.svg "Each model is fitted to what the one before it says.")

JupyterLab and Colab show that as a picture on a light card. A drawing describes itself, in its `desc`.
"""

from pathlib import Path

from docutils import nodes
from sphinx.transforms import SphinxTransform


class DrawingsToFigures(SphinxTransform):
    default_priority = 500

    def apply(self):
        for image in list(self.document.findall(nodes.image)):
            if not image["uri"].endswith(".svg"):
                continue
            relative, path = self.env.relfn2path(image["uri"])
            self.env.note_dependency(relative)
            drawing = Path(path).read_text(encoding="utf-8")
            figure = nodes.figure("", nodes.raw("", drawing, format="html"))
            caption = image["title"]
            figure += nodes.caption(caption, caption)
            self.document.set_id(figure)  # so that it is numbered
            image.parent.replace_self(figure)


def setup(app):
    app.add_transform(DrawingsToFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
