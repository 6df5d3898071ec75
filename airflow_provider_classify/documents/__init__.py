"""A document by reference: a local path, an object-storage URI or a URL."""
