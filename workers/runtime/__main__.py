"""`python -m workers.runtime SERVICE`."""

import sys

from workers.runtime.standalone import main

sys.exit(main())
