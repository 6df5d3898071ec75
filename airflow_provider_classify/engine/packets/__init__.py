"""Find the documents in a file of several pages, and write each of them as a file of its own."""
