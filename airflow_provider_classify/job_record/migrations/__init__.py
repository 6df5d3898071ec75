"""
The migrations of the database of the record of jobs, for Alembic.

Each file in ``versions`` is one step; its name begins with ``rev_`` and its number, which is also its revision. A step
only adds columns (with a default, or nullable), tables and indexes, because processes of the previous version can still
be running on the same database.
"""
