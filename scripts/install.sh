#!/usr/bin/env bash
# Two steps, because pip's hash mode refuses local projects: hashed third parties, then our own packages.
set -u
fail() { printf 'install: %s\n' "$1" >&2; exit 1; }
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  fail "$PYTHON is missing or older than 3.11. Install Python 3.11 or newer, or name one: make PYTHON=python3.12 install"
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv ||
  fail "cannot create .venv here. Check free disk space and, on Debian, that the package python3-venv is installed."
.venv/bin/pip install --quiet --require-hashes -r requirements/all.txt ||
  fail "a package could not be downloaded or its hash is wrong (see above). Check the network, proxy and pip settings and free disk space, then run make install again."
edit=()
for package in $PACKAGES; do edit+=(-e "$package"); done
.venv/bin/pip install --quiet --no-deps --no-build-isolation "${edit[@]}" ||
  fail "our own packages could not be installed (see above)."
