"""
The local engine: a document and category names in, a ``ClassificationResult`` out.

It knows nothing of Airflow, of jobs or of the network, and it needs the ``local`` extra.
"""
