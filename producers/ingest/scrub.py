"""What no later step may see, whoever sends it: dropped fields, secrets in addresses of pages, whole IP addresses, user agents."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from producers.ingest.consent import LONGEST_NAME, plain

USER_AGENTS: Final = frozenset({"useragent", "useragentdata", "httpuseragent"})
"""Fields (plain names) that hold a raw user agent; what it tells is in `Context`."""
_V4: Final = r"(?<![\w./])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)"
_V6: Final = r"(?<![\w.:/])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]|\.\d)"
_ADDRESS: Final = re.compile(f"{_V4}|{_V6}")
_E_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# In the midst of other text; `lamp@2x.png` is a picture. Possessive, so that a long text costs no more than its length.
_E_MAIL_WITHIN: Final = re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)(?!\dx\.)(?:[\w-]++\.)+[^\W\d_]{2,}")
_REDACTED: Final = "(redacted)"
_USER_AGENT: Final = "Mozilla/"
_LONGEST_CACHED: Final = 512


def truncated(text: str) -> str:
    """The text with each address in it cut to its network: IPv4 to /24, IPv6 to /48. Hosts of web addresses stay."""
    return _ADDRESS.sub(lambda found: _network(found[0]), text) if "." in text or ":" in text else text


def is_e_mail(text: str) -> bool:
    """Whether the text is an e-mail address and nothing else."""
    return "@" in text and _E_MAIL.fullmatch(text) is not None


def redacted(text: str) -> str:
    """The text without e-mail addresses, also those that are written as a part of a web address."""
    return _E_MAIL_WITHIN.sub(_REDACTED, text) if "@" in text or "%40" in text else text


def of_a_person(traits: Mapping[str, Any]) -> dict[str, Any]:
    """A person's traits with the full name, which SDKs call just `name`, under a name by which it can be dropped."""
    return {"full_name" if key == "name" else key: value for key, value in traits.items()}


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
        self.url = lru_cache(maxsize=4096)(lambda url: truncated(redacted(self._url(url))))
        self._short_text = lru_cache(maxsize=4096)(self._any_text)
        self._is_dropped = lru_cache(maxsize=4096)(lambda name: plain(name) in self._fields)
        names = "|".join(sorted({"ua", *map(_spelled, self._fields)}))
        # For bytes that are no JSON: the values of such fields, as far as they look like JSON's.
        self._in_text = re.compile(rf'("(?:{names})"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^\s,}}\]"]+)', re.IGNORECASE)

    def cleaned(self, value: Any) -> Any:
        """A JSON value without what must not go on."""
        if isinstance(value, str):
            return self.cleaned_text(value)
        if isinstance(value, dict):
            is_dropped = self._is_dropped
            return {
                key: self.cleaned(each) for key, each in value.items() if len(key) > LONGEST_NAME or not is_dropped(key)
            }
        if isinstance(value, (list, tuple)):
            return [self.cleaned(each) for each in value]
        return value

    def text(self, raw: bytes) -> bytes:
        """The same for bytes that are no JSON, as well as it can be done."""
        text = self._in_text.sub(r'\1""', raw.decode("utf-8", "surrogateescape"))
        return truncated(redacted(text)).encode("utf-8", "surrogateescape")

    def cleaned_text(self, text: str) -> str:
        """The same for a text alone."""
        if not ("." in text or ":" in text or "/" in text or "?" in text):
            return text
        return self._short_text(text) if len(text) <= _LONGEST_CACHED else self._any_text(text)

    def _any_text(self, text: str) -> str:
        if text.startswith(_USER_AGENT):
            return ""
        if "://" in text or text.startswith(("/", "?")):
            text = redacted(self._url(text))
        elif not is_e_mail(text):  # one that is the whole text is what its field is for, and that is dropped by name
            text = redacted(text)
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
            return url
        return urlunsplit((scheme, host, path, before, kept))

    def _query(self, query: str) -> str:
        return "&".join(pair for pair in query.split("&") if self._is_kept(pair))

    def _is_kept(self, pair: str) -> bool:
        name, _, value = pair.partition("=")
        return plain(unquote_plus(name)) not in self._parameters and not is_e_mail(unquote_plus(value))


def _spelled(name: str) -> str:
    """A pattern for every spelling of a plain name."""
    return "[-_ ]?".join(map(re.escape, name))
