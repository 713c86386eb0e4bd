-- One row: how the shop does, in a few figures of the last 24 hours.
select total_sessions, total_purchases, total_revenue
from dashboard_realtime
