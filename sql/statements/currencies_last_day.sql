-- One row per currency that was told: purchases of the last 24 hours.
select
    currency,
    count(*) as purchases
from conversions
where occurred_at > now() - interval '24 hours' and currency is not null
group by currency
order by purchases desc, currency
