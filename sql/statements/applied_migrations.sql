-- One row per migration applied, oldest first.
select
    name,
    checksum
from schema_migration
order by name;
