"""Device class, browser and operating system from a user agent; the user agent itself is not kept."""

from functools import lru_cache
from typing import Final, NamedTuple

from contracts.events import DeviceType


class Device(NamedTuple):
    type: DeviceType = "unknown"
    browser: str | None = None
    os: str | None = None


# In each table the first text found in the user agent decides: browsers imitate the ones below them.
_BROWSERS: Final = (
    ("bot", "Bot"),
    ("crawl", "Bot"),
    ("spider", "Bot"),
    ("headlesschrome", "Headless Chrome"),
    ("edg/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("edge/", "Edge"),
    ("opr/", "Opera"),
    ("opera", "Opera"),
    ("samsungbrowser/", "Samsung Internet"),
    ("yabrowser/", "Yandex"),
    ("vivaldi/", "Vivaldi"),
    ("ucbrowser/", "UC Browser"),
    ("silk/", "Silk"),
    ("fban/", "Facebook"),
    ("fbav/", "Facebook"),
    ("instagram", "Instagram"),
    ("firefox/", "Firefox"),
    ("fxios/", "Firefox"),
    ("crios/", "Chrome"),
    ("chromium/", "Chromium"),
    ("chrome/", "Chrome"),
    ("trident/", "Internet Explorer"),
    ("msie ", "Internet Explorer"),
    ("safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("windows phone", "Windows Phone"),
    ("windows", "Windows"),
    ("iphone", "iOS"),
    ("ipad", "iOS"),
    ("ipod", "iOS"),
    ("android", "Android"),
    ("cros ", "ChromeOS"),
    ("mac os x", "macOS"),
    ("macintosh", "macOS"),
    ("linux", "Linux"),
    ("x11", "Linux"),
)
_TABLETS: Final = ("ipad", "tablet", "kindle", "silk/", "playbook")
_PHONES: Final = ("mobi", "iphone", "ipod", "windows phone", "opera mini")
_DESKTOPS: Final = ("windows", "macintosh", "x11", "cros ", "linux")


@lru_cache(maxsize=4096)
def device_of(user_agent: str) -> Device:
    """What a user agent says about the device, as far as these tables know it."""
    text = user_agent[:512].lower()
    browser = next((name for mark, name in _BROWSERS if mark in text), None)
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    return Device(_type_of(text, browser), browser, system)


def _type_of(text: str, browser: str | None) -> DeviceType:
    if browser == "Bot":
        return "unknown"
    # An Android browser says "Mobile" on a phone and leaves it out on a tablet.
    if any(mark in text for mark in _TABLETS) or ("android" in text and "mobile" not in text):
        return "tablet"
    if any(mark in text for mark in _PHONES):
        return "mobile"
    return "desktop" if any(mark in text for mark in _DESKTOPS) else "unknown"
