"""Values and pure decisions: they import nothing of the package but its exceptions."""
