"""The local engine as a backend: jobs run where the task runs."""
