"""Fonts cut down to the characters that a page can show."""

from fontTools import subset


def cut(source, text, target):
    """Write the font file source with the characters of text alone, compressed."""
    options = subset.Options(flavor="woff2", layout_features=["*"])
    with subset.load_font(source, options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(text=text)
        cutter.subset(font)
        subset.save_font(font, target, options)
