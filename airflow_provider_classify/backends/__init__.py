"""Who classifies: a classify API over HTTP, or the local engine in a child of this process."""
