"""Text without document types: words, phrases, spelling, language."""
