"""Process text: words, phrases, spelling, language. Nothing here knows document types."""
