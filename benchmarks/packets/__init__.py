"""Join real documents to packets, and measure how well the engine finds the documents in them."""
