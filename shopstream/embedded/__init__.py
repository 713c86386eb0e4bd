"""The broker and the database that come as wheels, for a machine that has neither."""
