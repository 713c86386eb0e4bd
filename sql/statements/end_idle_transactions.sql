-- One row: from now on this session's transactions end when nothing is asked in them for so long.
select set_config('idle_in_transaction_session_timeout', %(after_s)s || 's', false);
