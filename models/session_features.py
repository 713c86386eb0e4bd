"""What is known of a session at a moment, as the contract that everything after sessionize reads."""

from datetime import timedelta

from contracts import event_names as names
from contracts.features import SessionFeatures
from contracts.outcomes import Outcome
from models import cart
from models.bots import bot_score
from models.session import CHECKOUT, PAGE_KINDS, PROMOTION, Session
from models.visitor import GAP, Visitor


def features_of(visitor: Visitor, session: Session, caused_by: str, gap: timedelta = GAP) -> SessionFeatures:
    """Features of one of the visitor's sessions after the event whose message id is `caused_by`.

    Raises `ValueError` for a visitor to whom nothing ever happened.
    """
    if visitor.received_at is None:
        raise ValueError(f"visitor {visitor.visitor_id} has a session but no event; fold events with `Visitor.observe`")
    history = visitor.history_before(session)
    bought = history.new_purchases(session)
    started_at, last_seen_at = session.first[0], session.last[0]
    count = session.counts.get
    cart_cents, cart_items = cart.contents(session.cart_acts) if session.cart_acts else (0, 0)
    engagement = session.engagement
    pause = (started_at - history.last_seen_at).total_seconds() if history.last_seen_at else None
    return SessionFeatures(
        session_id=session.session_id(visitor.visitor_id),
        visitor_id=visitor.visitor_id,
        user_id=_user_of(visitor, session),
        write_key=session.write_key,
        replaces=tuple(session.former_ids),
        caused_by=caused_by,
        received_at=visitor.received_at,
        started_at=started_at,
        last_seen_at=last_seen_at,
        closed_at=last_seen_at + gap if session.is_closed else None,
        event_count=session.event_count,
        page_count=session.page_count,
        product_view_count=count(names.VIEW_ITEM, 0),
        distinct_product_count=len(session.products),
        distinct_category_count=len(session.categories),
        list_view_count=count(names.VIEW_ITEM_LIST, 0),
        search_count=count(names.SEARCH, 0),
        add_to_cart_count=count(names.ADD_TO_CART, 0),
        remove_from_cart_count=count(names.REMOVE_FROM_CART, 0),
        cart_view_count=count(names.VIEW_CART, 0),
        wishlist_count=count(names.ADD_TO_WISHLIST, 0),
        promotion_count=sum(count(name, 0) for name in PROMOTION),
        coupon_count=count(names.COUPON_APPLIED, 0),
        checkout_step_count=sum(count(name, 0) for name in CHECKOUT),
        purchase_count=len(bought),
        revenue=sum(bought.values()) / 100,
        cart_value=cart_cents / 100,
        cart_item_count=cart_items,
        time_on_site_s=(last_seen_at - started_at).total_seconds(),
        viewed_price_mean=(
            round(session.viewed_cents / session.viewed_price_count) / 100 if session.viewed_price_count else None
        ),
        viewed_price_max=session.viewed_cents_max / 100 if session.viewed_price_count else None,
        active_ms=engagement.active_ms,
        scroll_percent_max=engagement.scroll_percent_max,
        pointer_distance_px=engagement.pointer_distance_px,
        click_count=engagement.click_count,
        rage_click_count=engagement.rage_click_count,
        device_type=session.device[1] if session.device else "unknown",
        channel=session.entry[2] if session.entry else "direct",
        entry_path=session.entry[1] if session.entry else None,
        last_path=session.latest_path[1] if session.latest_path else None,
        hour=started_at.hour,
        weekday=started_at.weekday(),
        previous_session_count=history.session_count,
        previous_purchase_count=history.purchase_count,
        previous_revenue=history.revenue_cents / 100,
        seconds_since_previous_session=pause,
        select_item_count=count(names.SELECT_ITEM, 0),
        home_page_count=count(PAGE_KINDS["home"], 0),
        information_page_count=count(PAGE_KINDS["information"], 0),
        account_page_count=count(PAGE_KINDS["account"], 0),
        cart_page_count=count(PAGE_KINDS["cart"], 0),
        checkout_page_count=count(PAGE_KINDS["checkout"], 0),
        seconds_since_previous_event=(
            (last_seen_at - session.before_last[0]).total_seconds() if session.before_last else None
        ),
        cart_idle_s=(last_seen_at - session.cart_acts[-1][0]).total_seconds() if session.cart_acts else None,
        os=session.os[1] if session.os else None,
        country=session.country[1] if session.country else None,
        ga_session_number=session.ga_session_number,
        previous_event_count=history.event_count,
        previous_add_to_cart_count=history.add_to_cart_count,
        previous_checkout_step_count=history.checkout_step_count,
        consent=session.consent,
        bot_score=score_as_bot(session),
    )


def _user_of(visitor: Visitor, session: Session) -> str | None:
    """Whom the session itself names, else the visitor's newest: who logs in later has not bought what another did before."""
    if session.user is not None:
        return session.user[1]
    return visitor.user[2] if visitor.user else None


def score_as_bot(session: Session) -> float:
    """How much a session looks like a program's, by its user agents and by what it did."""
    active_ms = session.engagement.active_ms
    return bot_score(session.bot_score, session.page_times_ms, session.page_count, active_ms)


def outcome_of(features: SessionFeatures) -> Outcome | None:
    """The outcome of a closed session; None while it is open."""
    if features.closed_at is None:
        return None
    return Outcome(
        session_id=features.session_id,
        visitor_id=features.visitor_id,
        user_id=features.user_id,
        write_key=features.write_key,
        started_at=features.started_at,
        last_seen_at=features.last_seen_at,
        closed_at=features.closed_at,
        event_count=features.event_count,
        has_purchased=features.purchase_count > 0,
        purchase_count=features.purchase_count,
        revenue=features.revenue,
        abandoned_cart_value=features.cart_value,
    )
