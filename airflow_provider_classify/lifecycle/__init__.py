"""The life of a task around its job: take it up again, cancel it, fail without a retry."""
