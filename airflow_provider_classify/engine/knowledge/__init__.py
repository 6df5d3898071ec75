"""The knowledge of document types: data files, and the code that reads them."""
