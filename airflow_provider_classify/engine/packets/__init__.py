"""Find the documents in a file of several pages, and write each of them to its own file."""
