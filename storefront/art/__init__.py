"""The shop's illustrations, drawn by code: every product as one SVG scene."""
