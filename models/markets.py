"""Countries and operating systems as numbers that a tree can cut: the large ones first."""

from typing import Final

COUNTRIES: Final = (
    # by retail e-commerce turnover, roughly; the order must not change once models have learnt it
    ("US", "united states"),
    ("CN", "china"),
    ("GB", "united kingdom"),
    ("JP", "japan"),
    ("KR", "south korea"),
    ("DE", "germany"),
    ("FR", "france"),
    ("CA", "canada"),
    ("IN", "india"),
    ("BR", "brazil"),
    ("AU", "australia"),
    ("ES", "spain"),
    ("IT", "italy"),
    ("NL", "netherlands"),
    ("MX", "mexico"),
    ("TR", "turkey"),
    ("PL", "poland"),
    ("ID", "indonesia"),
    ("TW", "taiwan"),
    ("SE", "sweden"),
    ("CH", "switzerland"),
    ("BE", "belgium"),
    ("AT", "austria"),
    ("DK", "denmark"),
    ("IE", "ireland"),
    ("SG", "singapore"),
    ("HK", "hong kong"),
)
SYSTEMS: Final = ("windows", "mac", "linux", "chrome", "ios", "android")
_COUNTRY: Final = {name.lower(): place for place, names in enumerate(COUNTRIES, 1) for name in names}


def country_place(country: str | None) -> float | None:
    """A country's place in `COUNTRIES`, from 1; one more than the last for any other; None when unknown."""
    return None if country is None else float(_COUNTRY.get(country.lower(), len(COUNTRIES) + 1))


def system_place(os: str | None) -> float | None:
    """An operating system's place in `SYSTEMS`, from 1; one more than the last for any other; None when unknown."""
    if os is None:
        return None
    name = os.lower()
    places = (place for place, known in enumerate(SYSTEMS, 1) if name.startswith(known))
    return float(next(places, len(SYSTEMS) + 1))


def country_name(country: str) -> str:
    """The English name of a country of `COUNTRIES`; any other is another country, whatever text was sent."""
    place = int(country_place(country) or 0)
    return COUNTRIES[place - 1][1].title() if place <= len(COUNTRIES) else "another country"
