-- One row per view applied.
select
    name,
    checksum
from schema_view;
