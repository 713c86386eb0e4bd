-- One row per erasure that is new.
insert into erasure (erasure_id, visitor_digest, erased_at)
select
    erasure_id,
    encode(sha256(convert_to(visitor_id, 'UTF8')), 'hex') as visitor_digest,
    erased_at
from staged_erasure
on conflict (erasure_id) do nothing;
