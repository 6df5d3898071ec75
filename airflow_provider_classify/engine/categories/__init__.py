"""Resolve the user's category names to document types."""
