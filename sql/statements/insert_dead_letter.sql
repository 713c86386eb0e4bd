-- One row per dead letter that is new.
insert into dead_letter
select *
from staged_dead_letter
on conflict (dead_letter_id) do nothing;
