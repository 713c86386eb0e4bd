-- One row per view applied that is still there.
select
    name,
    checksum
from schema_view
where to_regclass(quote_ident(name)) is not null;
