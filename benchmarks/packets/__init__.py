"""Join real documents into packets, and measure how well the engine finds the documents in them."""
