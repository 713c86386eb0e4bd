"""Bodies of the heatmap: which pages there are, and what was clicked on one."""

from datetime import datetime

import msgspec


class HeatmapPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page that says where it was clicked, its sessions and all their clicks."""

    path: str
    sessions: int
    clicks: int


class HeatmapSpot(msgspec.Struct, frozen=True, kw_only=True):
    """Clicks around one place: a share of the page's width from the left, and CSS pixels from its top."""

    x: float
    y: float
    clicks: int
    rage_clicks: int
    """Third clicks of a run on one spot."""
    dead_clicks: int
    """Clicks on nothing that could be clicked."""


class ClickedElement(msgspec.Struct, frozen=True, kw_only=True):
    """A link, button or field by its id, where the link leads, or its class: `button#buy`, `a:/cart`, `label.sort`."""

    element: str
    clicks: int
    rage_clicks: int
    sessions: int


class HeatmapAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Pages that say where they were clicked (`data-clicks`), and what people did on the one that was asked about. Bots are left out."""

    as_of: datetime
    days: int
    path: str | None
    device_type: str | None
    pages: list[HeatmapPage]
    """The most clicked, whatever path was asked about."""
    sessions: int = 0
    active_s: float | None = None
    """Median of the seconds for which a visit used the page."""
    page_height_px: float | None = None
    """Median."""
    clicks: int = 0
    """Whose place is known."""
    rage_clicks: int = 0
    dead_clicks: int = 0
    spots: list[HeatmapSpot] = []
    """The most clicked first, 5,000 at most; the totals count them all."""
    elements: list[ClickedElement] = []
    """The most clicked first."""
    seen: list[float] = []
    """Share of visits that saw the page's top, and each further twentieth of its height down to its end."""
