"""Attack the service and the client as a malicious peer; see ``__main__.py``."""
