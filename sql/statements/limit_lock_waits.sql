-- One row: from now on this transaction waits for no lock for longer than this.
select set_config('lock_timeout', %(at_most_s)s || 's', true);
