"""The local engine as a backend, which runs jobs on the worker of the task."""
