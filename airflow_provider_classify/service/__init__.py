"""
The local engine behind the HTTP contract of the classify API: one machine, durable on SQLite.

``server.serve`` runs it; ``app.create_app`` is the application alone. Needs the extras
``service`` and ``local``.
"""
