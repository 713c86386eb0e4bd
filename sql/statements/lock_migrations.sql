-- No row: holds the one lock that all migrating processes share, until the transaction ends.
select pg_advisory_xact_lock(hashtext('shopstream migrate'));
