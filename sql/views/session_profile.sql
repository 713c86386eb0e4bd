-- One row per session: everything known about it, and its outcome once it has closed (null before).
create view session_profile as
select
    sessions.*,
    outcome.has_purchased,
    outcome.abandoned_cart_value
from sessions
left join outcome using (session_id);
