"""Classify many documents in one task, with a record from which a retry continues."""
