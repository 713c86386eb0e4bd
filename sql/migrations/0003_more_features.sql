-- What later features tell of a session; null for sessions of before.
alter table sessions
    add column select_item_count integer,
    add column home_page_count integer,
    add column information_page_count integer,
    add column account_page_count integer,
    add column cart_page_count integer,
    add column checkout_page_count integer,
    add column seconds_since_previous_event double precision,
    add column cart_idle_s double precision,
    add column os text,
    add column country text,
    add column ga_session_number integer,
    add column previous_event_count integer,
    add column previous_add_to_cart_count integer,
    add column previous_checkout_step_count integer;
