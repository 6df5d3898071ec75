"""The client of the classify API."""
