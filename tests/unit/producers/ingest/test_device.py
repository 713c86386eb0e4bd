"""A user agent tells the device class, the browser and the operating system."""

import pytest

from producers.ingest.device import device_of

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/116.0.0.0 Safari/537.36", ("desktop", "Chrome", "Windows")),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/115.0 Safari/537.36 Edg/115.0", ("desktop", "Edge", "macOS")),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/117.0", ("desktop", "Firefox", "Linux")),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/116.0 Safari/537.36", ("desktop", "Chrome", "ChromeOS")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1 Version/16.6 Mobile/15E148 Safari/604.1", ("mobile", "Safari", "iOS")),
        ("Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1 CriOS/116.0 Mobile/15E148 Safari/604.1", ("tablet", "Chrome", "iOS")),
        (f"Mozilla/5.0 (Linux; Android 13; SM-S901B) {WEBKIT} SamsungBrowser/22.0 Chrome/111.0 Mobile Safari/537.36", ("mobile", "Samsung Internet", "Android")),
        (f"Mozilla/5.0 (Linux; Android 13; SM-X700) {WEBKIT} Chrome/116.0 Safari/537.36", ("tablet", "Chrome", "Android")),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ("unknown", "Bot", None)),
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/116.0 Safari/537.36", ("desktop", "Headless Chrome", "Linux")),
        ("python-requests/2.31.0", ("unknown", None, None)),
    ],
)  # fmt: skip
def test_a_user_agent_tells_the_device(user_agent: str, device: tuple[str, str | None, str | None]) -> None:
    assert device_of(user_agent) == device
