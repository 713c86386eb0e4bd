"""The demo storefront: a small shop for tea and ceramics with the tracker installed."""
