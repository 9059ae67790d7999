"""Gaussian mixtures, their exact fits and their sweeps. Needs NumPy alone."""
