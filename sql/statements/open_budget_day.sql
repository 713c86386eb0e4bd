-- One row: today's part of a budget, locked until the transaction ends, with what is left of it and when it ends.
insert into budget_day (budget, day, per_day)
values (%(budget)s, (now() at time zone 'UTC')::date, %(per_day)s)
on conflict (budget, day) do update set per_day = excluded.per_day
returning
    day,
    greatest(0, per_day - reserved) as unreserved,
    extract(epoch from (day + 1)::timestamp at time zone 'UTC' - now())::double precision as ends_in_s;
