"""
Serve the classify API with the local engine.

By default, the service is one process, which keeps its jobs in SQLite and its documents in a folder. Several processes
can share a database and a storage of documents instead.

``server.serve`` runs the service; ``app.create_app`` returns the application alone. Both need the extras
``service`` and ``local``.
"""
