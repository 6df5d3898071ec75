"""Attack the service and the client of this package; see ``__main__.py``."""
