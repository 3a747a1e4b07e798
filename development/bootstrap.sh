#!/bin/sh
# Makes .venv, in the project's directory, with exactly the packages of development/requirements.txt. All output goes to standard
# error. Needs Python 3.11 or later; Debian keeps the module that makes virtual environments in a package of its own.
set -eu

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "error: python3 must be Python 3.11 or later; $(python3 --version 2>&1) was found" >&2
  exit 1
fi

if ! python3 -c 'import ensurepip' 2>/dev/null; then
  root=
  [ "$(id -u)" = 0 ] || root='sudo -n'
  if ! { $root apt-get --quiet update && $root apt-get --quiet --yes install python3-venv; } >&2; then
    echo 'error: the Debian package python3-venv must be installed: apt-get install python3-venv (as root)' >&2
    exit 1
  fi
fi

[ -x .venv/bin/pip ] || python3 -m venv .venv >&2
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r development/bootstrap-requirements.txt >&2
.venv/bin/uv pip sync --quiet --require-hashes --python .venv/bin/python development/requirements.txt >&2
