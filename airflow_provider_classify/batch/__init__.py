"""Many documents in one task: what is done is on record, so that a retry goes on instead of starting over."""
