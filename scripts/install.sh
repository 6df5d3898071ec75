#!/bin/sh
# Install packages into .venv, in the versions of constraints.txt: sh scripts/install.sh REQUIREMENT ...
# uv installs in seconds what takes pip minutes. pip is used if uv cannot be installed, or fails.
python=.venv/bin/python
pip="$python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt"
test -x .venv/bin/uv || $pip uv
.venv/bin/uv pip install --quiet --python "$python" --constraint constraints.txt "$@" || $pip "$@"
