"""Hop 9. Decisions in, back to the browser that caused them; and the console for people."""
