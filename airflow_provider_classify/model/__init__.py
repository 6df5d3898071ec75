"""Values, and decisions about them. These modules import nothing else of this package except the exceptions."""
