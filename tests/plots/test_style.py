from kdlite import plots


def test_every_distribution_has_a_colour_and_a_line_of_its_own():
    assert set(plots.COLOURS) == set(plots.LINES) == {"truth", "teacher", "student", "direct"}
    assert len(set(plots.COLOURS.values())) == len(set(plots.LINES.values())) == 4
