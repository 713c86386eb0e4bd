"""What no later step may see, whoever sends it: dropped fields, secrets in addresses of pages, whole IP addresses, user agents."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from producers.ingest.consent import plain

USER_AGENTS: Final = frozenset({"useragent", "useragentdata", "httpuseragent"})
"""Fields (plain names) that hold a raw user agent; what it tells is in `Context`."""
_V4: Final = r"(?<![\w./])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)"
_V6: Final = r"(?<![\w.:/])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]|\.\d)"
_ADDRESS: Final = re.compile(f"{_V4}|{_V6}")
_E_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_USER_AGENT: Final = "Mozilla/"
_LONGEST_CACHED: Final = 2_048


def truncated(text: str) -> str:
    """The text with each address in it cut to its network: IPv4 to /24, IPv6 to /48. Hosts of web addresses stay."""
    return _ADDRESS.sub(lambda found: _network(found[0]), text) if "." in text or ":" in text else text


def _network(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:  # a time or a version
        return text
    bits = 24 if isinstance(address, IPv4Address) else 48
    return str(ip_network((address, bits), strict=False).network_address)


class Scrubber:
    """Takes out fields, at any depth, and query parameters by their names, however these are written."""

    def __init__(self, fields: Iterable[str], parameters: Iterable[str]) -> None:
        self._fields = frozenset(filter(None, map(plain, fields))) | USER_AGENTS
        self._parameters = frozenset(map(plain, parameters))
        self.url = lru_cache(maxsize=4096)(self._url)
        names = "|".join(sorted({"ua", *map(_spelled, self._fields)}))
        # For bytes that are no JSON: the values of such fields, as far as they look like JSON's.
        self._in_text = re.compile(rf'("(?:{names})"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s,}}\]"]+)', re.IGNORECASE)

    def cleaned(self, value: Any) -> Any:
        """A JSON value without what must not go on."""
        if isinstance(value, dict):
            return {key: self.cleaned(each) for key, each in value.items() if plain(key) not in self._fields}
        if isinstance(value, (list, tuple)):
            return [self.cleaned(each) for each in value]
        return self._text(value) if isinstance(value, str) else value

    def text(self, raw: bytes) -> bytes:
        """The same for bytes that are no JSON, as well as it can be done."""
        text = self._in_text.sub(r'\1""', raw.decode("utf-8", "surrogateescape"))
        return truncated(text).encode("utf-8", "surrogateescape")

    def _text(self, text: str) -> str:
        if text.startswith(_USER_AGENT):
            return ""
        if "://" in text or text.startswith(("/", "?")):
            text = self.url(text) if len(text) <= _LONGEST_CACHED else self._url(text)
        return truncated(text)

    def _url(self, url: str) -> str:
        """The address of a page without the parameters to drop, values that are an e-mail address, and user and password."""
        if not ("?" in url or "#" in url or "@" in url):
            return url
        try:
            scheme, netloc, path, query, fragment = urlsplit(url)
        except ValueError:  # an impossible address
            return re.split("[?#]", url, maxsplit=1)[0]
        route, mark, after = fragment.partition("?") if "?" in fragment else ("", "", fragment)
        kept = route + mark + (self._query(after) if "=" in after else after)
        host, before = netloc.rpartition("@")[2], self._query(query)
        if (host, before, kept) == (netloc, query, fragment):
            return truncated(url)
        return truncated(urlunsplit((scheme, host, path, before, kept)))

    def _query(self, query: str) -> str:
        return "&".join(pair for pair in query.split("&") if self._is_kept(pair))

    def _is_kept(self, pair: str) -> bool:
        name, _, value = pair.partition("=")
        return plain(unquote_plus(name)) not in self._parameters and not _E_MAIL.fullmatch(unquote_plus(value))


def _spelled(name: str) -> str:
    """A pattern for every spelling of a plain name."""
    return "[-_ ]?".join(map(re.escape, name))
