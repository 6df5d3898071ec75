"""A model that is fitted on real documents. It corrects the points of the document types."""
