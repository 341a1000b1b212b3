#!/usr/bin/env bash
# Stop a stack that still runs from this folder, then remove all that make and the stack have made.
set -eu
if [ -x .venv/bin/python ] && [ -d .run ]; then .venv/bin/python -m crmlink_devstack down; fi
rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .hypothesis build
find libs services tests benchmarks \( -name __pycache__ -o -name '*.egg-info' -o -name build \) -prune -exec rm -rf {} +
