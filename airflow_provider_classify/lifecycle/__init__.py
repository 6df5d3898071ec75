"""The life of a task and its job: reattach after a retry, cancel, and fail without a retry."""
