-- One row per given erasure that has reached the tables.
select erasure_id, visitor_digest, erased_at, done_at, erased_rows from erasure where erasure_id = any(%(erasure_ids)s)
