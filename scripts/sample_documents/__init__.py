"""The sample documents, one module each, and what they are made with: :mod:`.sheet` and :mod:`.camera`."""
