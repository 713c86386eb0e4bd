"""Text from the open internet as a terminal may have it."""

from typing import Final

# Lines and tabs are ours. What strangers could do with the others: move the cursor, clear the screen, name the window, turn
# the direction of reading around. Tags are
# not seen at all, and half a character cannot be written.
_ORDERS: Final = {
    *(set(range(0x20)) - {0x09, 0x0A}),
    *range(0x7F, 0xA0),
    0x061C,
    *(0x200E, 0x200F),
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
    *range(0xE0000, 0xE0080),
}
_SPELT_OUT: Final = {code: f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}" for code in _ORDERS}


def inert(text: str) -> str:
    """The text with everything that a terminal obeys spelt out, as `\\u001b` for its escape."""
    return text.translate(_SPELT_OUT)
