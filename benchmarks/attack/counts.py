"""Count the outcomes of an attack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counts:
    """
    Counts of one attack; all but ``inputs`` should be 0.

    :param inputs: inputs that were sent.
    :param crashes: inputs after which a process ended, or a call raised an undocumented error.
    :param hangs: inputs without an answer within their time limit.
    :param lost: inputs with a wrong answer: a job disappeared, a false reply was accepted, or a limit was exceeded.
    :param server_errors: replies of the service with a status of 500 or above, except for a full queue or disk.
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
        """Whether all counts except the inputs are 0."""
        return (self.crashes, self.hangs, self.lost, self.server_errors) == (0, 0, 0, 0)
