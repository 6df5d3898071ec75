"""The sample documents, one module each, and the modules that draw them: :mod:`.sheet` and :mod:`.camera`."""
