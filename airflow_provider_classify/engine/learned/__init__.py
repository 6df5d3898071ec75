"""A model fitted on real documents, which corrects the points of the document types."""
