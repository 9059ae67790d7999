"""Whole experiments: from a profile, through stages that resume, to one table of results."""
