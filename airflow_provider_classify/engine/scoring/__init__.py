"""Score pages against document types and categories."""
