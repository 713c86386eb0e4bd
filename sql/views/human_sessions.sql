-- One row per session of a person: its bot score is below 0.5 (`models/bots.py`). What judges visitors, money or incentives reads this.
create view human_sessions as
select *
from sessions
where coalesce(bot_score, 0) < 0.5;
