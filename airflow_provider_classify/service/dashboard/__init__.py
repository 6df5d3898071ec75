"""The page of the service for people: its queue, its recent jobs, and a form to classify a document."""
