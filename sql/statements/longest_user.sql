-- One row: which other transaction has used our tables or views for longest; none when nobody does.
select
    pg_stat_activity.pid,
    coalesce(nullif(pg_stat_activity.application_name, ''), 'a program without a name') as program,
    pg_stat_activity.usename,
    round(extract(epoch from now() - pg_stat_activity.xact_start))::integer as seconds
from pg_locks
inner join pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
inner join pg_class on pg_class.oid = pg_locks.relation
where
    pg_locks.granted
    and pg_locks.database = (select oid from pg_database where datname = current_database())
    and pg_class.relnamespace = current_schema()::regnamespace
    and pg_locks.pid <> pg_backend_pid()
order by pg_stat_activity.xact_start
limit 1;
