"""Write keys come from a TOML file, or are the two local ones."""

import re
from pathlib import Path

import pytest

from producers.ingest.write_keys import DEMO, HISTORY, WriteKey, write_keys_of
from runtime.settings import SettingsError


def keys_file(folder: Path, text: str) -> str:
    path = folder / "keys.toml"
    path.write_text(text)
    return str(path)


def test_without_a_file_there_are_the_local_keys() -> None:
    keys = write_keys_of("")
    assert (keys.named("demo"), keys.named("history"), keys.named("other"), keys.named(None)) == (
        DEMO,
        HISTORY,
        None,
        None,
    )
    assert keys.allow_origin("https://anywhere.example")


def test_a_file_names_keys_origins_and_rates(tmp_path: Path) -> None:
    keys = write_keys_of(
        keys_file(
            tmp_path,
            """
            [keys.web]
            origins = ["https://Shop.example/"]
            events_per_second = 100
            burst = 500
            [keys.import]
            kind = "server"
            keeps_event_time = true
            """,
        )
    )
    assert keys.named("web") == WriteKey(
        name="web", origins=("https://shop.example",), events_per_second=100, burst=500
    )
    assert keys.named("import") == WriteKey(name="import", kind="server", keeps_event_time=True)
    assert keys.named("demo") is None
    assert keys.allow_origin("https://shop.example")
    assert not keys.allow_origin("https://other.example")


def test_a_browser_key_is_for_its_origins_and_a_server_key_for_no_page() -> None:
    key = WriteKey(name="web", origins=("https://shop.example",))
    assert key.allows(None)
    assert key.allows("https://SHOP.example")
    assert not key.allows("https://shop.example.evil.example")
    assert not key.allows("null")
    assert HISTORY.allows(None)
    assert not HISTORY.allows("https://shop.example")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[keys.web]", "needs origins"),
        ("[keys.'a b']\nkind='server'", "letters, digits"),
        ("[keys.a]\nkind='server'\norigins=['*']", "remove its origins"),
        ("[keys.a]\norigins=['*']\nkeeps_event_time=true", "only a server key"),
        ("[keys.a]\norigins=['*']\nevents_per_second=0", "above 0"),
        ("[keys.a]\norigins=['*']\nburst=5", "come with events_per_second"),
        ("[keys.a]\norigins=['*']\naddress_burst=5", "come with address_events_per_second"),
        ("[keys.a]\norigins=['*']\naddress_events_per_second=-1", "address_events_per_second must be above 0"),
        ("[keys.a]\norigins=['*']\nevents_per_second=nan", "above 0"),
        ("[keys.a]\norigins=['*']\nname='b'", "takes no name"),
        ("[keys.a]\nkind='app'", "Invalid enum value"),
        ("[keys.a]\norigin=['*']", "unknown field"),
        ("keys = 3", "Expected `object`"),
        ("[keys", "Expected ']'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match="SHOPSTREAM_INGEST_WRITE_KEYS_FILE") as error:
        write_keys_of(keys_file(tmp_path, text))
    assert said in str(error.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SettingsError, match=r"/nowhere/keys\.toml"):
        write_keys_of("/nowhere/keys.toml")


def test_the_keys_of_the_documentation_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "write-keys.md").read_text()
    (block,) = re.findall(r"```toml keys\n(.*?)```", page, re.DOTALL)
    keys = write_keys_of(keys_file(tmp_path, block))
    assert keys.names == {"web", "shopify", "warehouse"}
    assert keys.allow_origin("null")
