-- Sets an amount aside; a negative one gives back what was set aside and is offered to nobody.
update budget_day
set reserved = reserved + %(amount)s
where budget = %(budget)s and day = %(day)s;
