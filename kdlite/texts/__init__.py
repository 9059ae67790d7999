"""Texts as rows of token ids: the language they are in, a toy language, corpora, and the results of runs."""
