"""Fit the learned model of the engine on labelled documents. ``make train`` runs it."""
