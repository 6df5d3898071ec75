"""What is known of document types: data files, and how they are read."""
