-- One row: whether this database was ever migrated.
select to_regclass('schema_migration') is not null;
