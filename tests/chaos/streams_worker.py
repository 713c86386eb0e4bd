"""The worker of the chaos run: `shopstream process`, to which the visits of the story are of this moment.

The story happened long ago in event time, so that sessions close as soon as event time has passed them; to visits that are
over, nothing that costs is offered.
"""

import sys
from datetime import timedelta

from models import decide
from shopstream.__main__ import main

if __name__ == "__main__":
    decide.MOMENT = timedelta.max  # type: ignore[misc]  # Final for everybody else
    sys.exit(main(["process"]))
