"""Values and pure decisions. Of this package, they import only the exceptions."""
