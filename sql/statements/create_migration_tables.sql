-- One row per migration applied, one per view applied: which text it was.
create table if not exists schema_migration (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
);
create table if not exists schema_view (
    name text primary key,
    checksum text not null
);
