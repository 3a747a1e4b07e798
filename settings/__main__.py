"""`python -m settings` is `python -m commands.validate`, by its former name."""

import sys

from commands.validate import main

sys.exit(main())
