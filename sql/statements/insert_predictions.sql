-- One row per decision that is new.
insert into predictions
select *
from staged_prediction
on conflict (decision_id) do nothing;
