"""Fit the learned model of the engine on labelled documents; see ``make train``."""
