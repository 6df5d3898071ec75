"""
Measure the service on loopback, and compare it with a bare Starlette app and the bare engine.

    python -m benchmarks.service [--only status,submits,pages,uploads,soak] [--seconds 10] [--pages 1200]
        [--upload-mb 500] [--soak-minutes 20]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from benchmarks.service import measures, soak

KINDS = ("status", "submits", "pages", "uploads", "soak")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service")
    parser.add_argument("--only", default=",".join(KINDS), help="the measurements, separated by commas")
    parser.add_argument("--seconds", type=float, default=10, help="seconds of each load of status and submits")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between a client's submits")
    parser.add_argument("--pages", type=int, default=1200, help="pages of each round of the measurement of pages")
    parser.add_argument("--upload-mb", type=int, default=500, help="size of each of the 10 uploads")
    parser.add_argument("--soak-minutes", type=float, default=20)
    options = parser.parse_args()
    asked = options.only.split(",")
    if unknown := set(asked) - set(KINDS):
        parser.error(f"unknown measurements: {', '.join(sorted(unknown))}")
    if "status" in asked:
        measures.status(options.seconds)
    if "submits" in asked:
        measures.submits(options.seconds, pause=options.pause)
    if "pages" in asked:
        measures.pages(options.pages)
    if "uploads" in asked:
        measures.uploads(options.upload_mb)
    return soak.run(options.soak_minutes * 60) if "soak" in asked else 0


if __name__ == "__main__":
    raise SystemExit(main())
