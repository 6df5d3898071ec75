"""Values and pure decisions. These modules import nothing else of this package, except the exceptions."""
