-- One row per tenth of likelihood: sessions whose latest score lies in it, and how many of them bought.
create view likelihood_distribution as
select
    least(floor(likelihood * 10), 9) / 10 as likelihood_from,
    (least(floor(likelihood * 10), 9) + 1) / 10 as likelihood_to,
    count(*) as sessions,
    count(*) filter (where purchase_count > 0) as converted_sessions
from human_sessions
where likelihood is not null
group by 1, 2;
