#!/bin/sh
# The engine starts this by a plugin's name, such as pulumi-resource-tls. It runs the stand-in with the checkout's Python.
set -eu
stand_ins=$(dirname -- "$(readlink -f -- "$0")")
exec "$stand_ins/../../.venv/bin/python" -P "$stand_ins/__main__.py" "${0##*/}" "$@"
