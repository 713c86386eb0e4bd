-- One row per session whose features came: they replace older ones. A session only grows, so features of fewer events are older;
-- it opens again only by an event, so of the same events those of the open session are older.
insert into sessions (
    session_id, visitor_id, user_id, write_key, received_at, started_at, last_seen_at, closed_at,
    event_count, page_count, product_view_count, distinct_product_count, distinct_category_count, list_view_count,
    search_count, add_to_cart_count, remove_from_cart_count, cart_view_count, wishlist_count, promotion_count,
    coupon_count, checkout_step_count, purchase_count, revenue, cart_value, cart_item_count, time_on_site_s,
    viewed_price_mean, viewed_price_max, active_ms, scroll_percent_max, pointer_distance_px, click_count, rage_click_count,
    device_type, channel, entry_path, last_path, hour, weekday,
    previous_session_count, previous_purchase_count, previous_revenue, seconds_since_previous_session,
    select_item_count, home_page_count, information_page_count, account_page_count, cart_page_count,
    checkout_page_count, seconds_since_previous_event, cart_idle_s, os, country, ga_session_number,
    previous_event_count, previous_add_to_cart_count, previous_checkout_step_count,
    consent, bot_score,
    likelihood, persona, style
)
select
    staged_session.*,
    latest.likelihood,
    latest.persona,
    latest.style
from staged_session
left join lateral (
    select
        likelihood,
        persona,
        style
    from predictions
    where predictions.session_id = staged_session.session_id
    order by predictions.event_count desc, predictions.received_at desc, predictions.decided_at desc
    limit 1
) as latest on true
on conflict (session_id) do update set
    user_id = excluded.user_id,
    write_key = excluded.write_key,
    received_at = excluded.received_at,
    started_at = excluded.started_at,
    last_seen_at = excluded.last_seen_at,
    closed_at = excluded.closed_at,
    event_count = excluded.event_count,
    page_count = excluded.page_count,
    product_view_count = excluded.product_view_count,
    distinct_product_count = excluded.distinct_product_count,
    distinct_category_count = excluded.distinct_category_count,
    list_view_count = excluded.list_view_count,
    search_count = excluded.search_count,
    add_to_cart_count = excluded.add_to_cart_count,
    remove_from_cart_count = excluded.remove_from_cart_count,
    cart_view_count = excluded.cart_view_count,
    wishlist_count = excluded.wishlist_count,
    promotion_count = excluded.promotion_count,
    coupon_count = excluded.coupon_count,
    checkout_step_count = excluded.checkout_step_count,
    purchase_count = excluded.purchase_count,
    revenue = excluded.revenue,
    cart_value = excluded.cart_value,
    cart_item_count = excluded.cart_item_count,
    time_on_site_s = excluded.time_on_site_s,
    viewed_price_mean = excluded.viewed_price_mean,
    viewed_price_max = excluded.viewed_price_max,
    active_ms = excluded.active_ms,
    scroll_percent_max = excluded.scroll_percent_max,
    pointer_distance_px = excluded.pointer_distance_px,
    click_count = excluded.click_count,
    rage_click_count = excluded.rage_click_count,
    device_type = excluded.device_type,
    channel = excluded.channel,
    entry_path = excluded.entry_path,
    last_path = excluded.last_path,
    hour = excluded.hour,
    weekday = excluded.weekday,
    previous_session_count = excluded.previous_session_count,
    previous_purchase_count = excluded.previous_purchase_count,
    previous_revenue = excluded.previous_revenue,
    seconds_since_previous_session = excluded.seconds_since_previous_session,
    select_item_count = excluded.select_item_count,
    home_page_count = excluded.home_page_count,
    information_page_count = excluded.information_page_count,
    account_page_count = excluded.account_page_count,
    cart_page_count = excluded.cart_page_count,
    checkout_page_count = excluded.checkout_page_count,
    seconds_since_previous_event = excluded.seconds_since_previous_event,
    cart_idle_s = excluded.cart_idle_s,
    os = excluded.os,
    country = excluded.country,
    ga_session_number = excluded.ga_session_number,
    previous_event_count = excluded.previous_event_count,
    previous_add_to_cart_count = excluded.previous_add_to_cart_count,
    previous_checkout_step_count = excluded.previous_checkout_step_count,
    consent = excluded.consent,
    bot_score = excluded.bot_score,
    likelihood = excluded.likelihood,
    persona = excluded.persona,
    style = excluded.style
where
    (excluded.event_count, excluded.closed_at is not null)
    >= (sessions.event_count, sessions.closed_at is not null);
