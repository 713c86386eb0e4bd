-- One row per erasure that has reached the sink: a digest (SHA-256) of the visitor's id, never the id, and how many rows of each
-- table went. What comes later of the time before `erased_at` is not stored any more.
create table erasure (
    erasure_id text primary key,
    visitor_digest text not null,
    erased_at timestamptz not null,
    done_at timestamptz not null default now(),
    erased_rows jsonb not null default '{}'
);
create index erasure_visitor on erasure (visitor_digest);
