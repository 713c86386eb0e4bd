"""An instant: always aware, so that it means the same everywhere."""

from datetime import datetime
from typing import Annotated

import msgspec

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 in JSON; a value without an offset is refused when decoding."""
