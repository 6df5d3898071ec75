"""How much a page speaks for each document type and category."""
