"""
Serve the classify API with the local engine, on one machine. Jobs and their results are kept in SQLite.

``server.serve`` runs the service; ``app.create_app`` returns the application alone. Both need the extras
``service`` and ``local``.
"""
