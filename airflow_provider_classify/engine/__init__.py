"""
The local engine: it classifies a document into the user's categories.

It does not depend on Airflow, on jobs or on the network. It needs the ``local`` extra.
"""
