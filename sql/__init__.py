"""Hop 7. Tables in, one view per question out; with the migrations, the statements that others run, and how to connect."""
