-- Every view there is or was, at once: their order among themselves does not matter then.
drop view if exists {views};
