"""The service and the client against a malicious peer; see ``__main__.py``."""
