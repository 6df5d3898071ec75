"""The TaskFlow decorators ``@task.classify`` and ``@task.classify_branch``."""
