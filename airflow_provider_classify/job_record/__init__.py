"""The durable record of jobs in a database: its tables, and the queue of the workers of a service."""
