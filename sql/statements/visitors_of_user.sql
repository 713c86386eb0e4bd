-- One row per visitor who was, at some time, this user.
select visitor_id from users where user_id = %(user_id)s
union
select visitor_id from sessions where user_id = %(user_id)s
union
select visitor_id from events where user_id = %(user_id)s
union
select visitor_id from conversions where user_id = %(user_id)s
union
select visitor_id from predictions where user_id = %(user_id)s
order by visitor_id
