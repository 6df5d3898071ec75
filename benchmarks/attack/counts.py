"""What became of the inputs of an attack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """
    Counts of one attack; all but ``inputs`` should be 0.

    :param inputs: inputs that were sent.
    :param crashes: inputs after which a process ended, or a call raised something else than its documented errors.
    :param hangs: inputs that were not answered within their time limit.
    :param lost: inputs whose answer is wrong: a job that disappeared, a lie that passed for a result, a limit passed.
    :param server_errors: replies of the service with a status of 500 or above that no full queue or disk explains.
    """

    inputs: int = 0
    crashes: int = 0
    hangs: int = 0
    lost: int = 0
    server_errors: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.inputs + other.inputs,
            self.crashes + other.crashes,
            self.hangs + other.hangs,
            self.lost + other.lost,
            self.server_errors + other.server_errors,
        )

    @property
    def is_clean(self) -> bool:
        """Whether nothing but inputs was counted."""
        return (self.crashes, self.hangs, self.lost, self.server_errors) == (0, 0, 0, 0)
