"""The page that the service shows to people: its queue, its recent jobs, and a form to classify a document."""
