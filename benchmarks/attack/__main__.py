"""
Attack the service and the client, and print the outcomes.

    python -m benchmarks.attack [--count 5200] [--seed 1]

Malicious clients send half of the inputs to the real service; a malicious API sends the other half to the real
client. The same seed gives the same inputs. The exit code is 0 if all counts except the inputs are 0, otherwise 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import fields

from benchmarks.attack import client, service
from benchmarks.attack.counts import Counts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attack")
    parser.add_argument(
        "--count", type=int, default=5200, help="inputs of both attacks together (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    names = [field.name for field in fields(Counts)]
    rows: list[tuple[str, Counts, float]] = []
    for label, attack in (("service", service), ("client", client)):
        started = time.monotonic()
        counts = asyncio.run(attack.run(options.count // 2, options.seed))
        rows.append((label, counts, time.monotonic() - started))
    rows.append(("both", rows[0][1] + rows[1][1], rows[0][2] + rows[1][2]))
    print("".join(f"{name.replace('_', ' '):>15}" for name in ("", *names, "seconds")))
    for label, counts, seconds in rows:
        numbers = "".join(f"{getattr(counts, name):>15}" for name in names)
        print(f"{label:>15}{numbers}{seconds:>15.0f}")
    return 0 if rows[-1][1].is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
