-- One row at most: the newest decision.
select persona, likelihood, incentive_type, is_offered
from predictions
order by decided_at desc
limit 1
