// One shopper's story: what happened, what we thought of it, what we did.

import { curveChart } from './charts.js'
import { $, h, setText } from './dom.js'
import { ago, clip, count, date, duration, eventWords, incentiveName, many, milliseconds, money, NONE, percent, personaClass, time, timeWithSeconds } from './format.js'

const ASK_EVERY_MS = 2500
const url = `/api/sessions/${location.pathname.split('/').pop()}`
let drawn = ''

const chip = (persona) => persona && h('span', { class: `chip ${personaClass(persona)}` }, persona)

const drawHead = ({ session, outcome }) => {
  const hasBought = session.purchase_count > 0
  document.title = `${clip(session.user_id ?? session.visitor_id, 24)} · Shopstream`
  $('head').replaceChildren(
    h(
      'div',
      { class: 'who' },
      h('h1', { title: clip(session.visitor_id, 200) }, clip(session.user_id ?? session.visitor_id, 48)),
      h(
        'div',
        { class: 'chips' },
        chip(session.persona),
        session.style && h('span', {}, session.style),
        h('span', {}, `${session.device_type} · ${session.channel}`),
        h('span', {}, `${date(session.started_at)}, ${time(session.started_at)}`),
        h('span', {}, `${duration(session.time_on_site_s)} on site`),
        h('span', {}, `session ${count(session.previous_session_count + 1)}`),
      ),
    ),
    h(
      'div',
      { class: 'big', vars: { '--p': `${((session.likelihood ?? 0) * 100).toFixed(1)}%` } },
      h('p', { class: 'figure' }, session.likelihood === null ? NONE : percent(session.likelihood)),
      h('p', { class: 'note' }, hasBought ? 'likely to buy again' : outcome ? 'likely to buy, at the end' : 'likely to buy'),
    ),
  )
}

const itemWords = (item) => {
  const name = item.item_name ?? item.item_id ?? 'a product'
  const many = item.quantity !== undefined && item.quantity !== 1 ? `${item.quantity} × ` : ''
  return [many, h('b', {}, clip(name, 80)), item.price === undefined || item.price === null ? '' : ` at ${money(Number(item.price))}`]
}

// What an event is about, in a few words.
const gist = (properties) => {
  const items = Array.isArray(properties.items) ? properties.items.filter((item) => item && typeof item === 'object') : []
  const isLine = items.length === 1 && Number(items[0].price) === properties.value
  const parts = [
    ...items.slice(0, 3).map(itemWords),
    items.length > 3 && `${count(items.length - 3)} more`,
    properties.search_term && `“${clip(properties.search_term, 80)}”`,
    properties.transaction_id && `order ${clip(properties.transaction_id, 40)}`,
    properties.coupon && `coupon ${clip(properties.coupon, 40)}`,
    typeof properties.value === 'number' && !isLine && `${money(properties.value)} ${clip(properties.currency ?? '', 3)}`.trim(),
  ].filter(Boolean)
  return parts.length > 0 && h('span', { class: 'gist' }, parts.map((part, at) => [at > 0 && ' · ', part]))
}

const eventLine = (event) => {
  const [what, kind] = eventWords(event.event_name)
  const line = [h('span', { class: 'what' }, clip(what, 80)), h('span', { class: 'where' }, clip(event.page_path ?? '', 200)), gist(event.properties)]
  const hasMore = Object.keys(event.properties).length > 0
  return h(
    'li',
    { class: `kind-${kind}` },
    h('span', { class: 'when' }, timeWithSeconds(event.occurred_at)),
    h('span', { class: 'rail' }),
    h('div', { class: 'body' }, hasMore ? h('details', {}, h('summary', {}, line), h('pre', {}, JSON.stringify(event.properties, null, 2).slice(0, 20_000))) : line),
  )
}

const reason = (text) => {
  const sign = text.startsWith('+ ') ? 'plus' : text.startsWith('- ') ? 'minus' : ''
  return h('span', { class: sign }, sign ? text.slice(2) : text)
}

const swingOf = (decision, before) => {
  const swing = before ? Math.round((decision.likelihood - before.likelihood) * 100) : 0
  return swing !== 0 && h('span', { class: swing > 0 ? 'swing up' : 'swing down' }, `${swing > 0 ? '+' : '−'}${Math.abs(swing)}`)
}

const offer = (decision) => {
  const name = incentiveName(decision.incentive_type)
  return decision.is_offered
    ? h('div', { class: 'offer' }, h('span', { class: 'tag' }, name), h('span', {}, decision.incentive_message))
    : h('div', { class: 'offer is-held' }, h('span', { class: 'tag' }, `${name}, held out`), h('span', {}, decision.incentive_message))
}

// A decision that changes nothing is one quiet line; one that changes the offer is a box.
const verdict = (decision, before) => {
  const isNews = decision.incentive_type !== null && before?.incentive_type !== decision.incentive_type
  const isOtherPersona = before?.persona !== decision.persona
  const isOtherStyle = before?.style !== decision.style
  const versions = `model ${decision.model_version}, policy ${decision.policy_version}, ${milliseconds(decision.latency_ms / 1000)} after the event`
  return h(
    'li',
    { class: 'kind-decision' },
    h('span', { class: 'when' }),
    h('span', { class: 'rail' }),
    h(
      'div',
      { class: 'body' },
      h(
        'div',
        { class: !isNews ? 'verdict is-minor' : decision.is_offered ? 'verdict is-offer' : 'verdict', title: versions },
        h('span', { class: 'first' }, h('b', { class: 'sure' }, percent(decision.likelihood)), swingOf(decision, before), isOtherPersona && chip(decision.persona), isOtherStyle && h('span', { class: 'where' }, decision.style)),
        isNews && offer(decision),
        h('span', { class: 'reasons' }, decision.because.map(reason)),
      ),
    ),
  )
}

// A decision is a turn when it offers something else than the one before, or thinks otherwise by ten points.
const isTurn = (decision, before) =>
  !before || before.incentive_type !== decision.incentive_type || before.persona !== decision.persona || Math.abs(decision.likelihood - before.likelihood) >= 0.1

const drawTimeline = ({ events, decisions, is_complete }) => {
  const onlyTurns = $('only-turns').checked
  const steps = events.map((event) => ({ at: event.occurred_at, step: 0, element: () => eventLine(event), isShown: !onlyTurns || !['quiet', 'page'].includes(eventWords(event.event_name)[1]) }))
  decisions.forEach((decision, at) => {
    const before = decisions[at - 1]
    steps.push({ at: decision.occurred_at, step: decision.event_count, element: () => verdict(decision, before), isShown: !onlyTurns || isTurn(decision, before) })
  })
  // The answer has events and decisions apart; both are in order, and a stable sort keeps it.
  steps.sort((a, b) => new Date(a.at) - new Date(b.at) || a.step - b.step)
  setText($('timeline-count'), `${many(events.length, 'event')}, ${many(decisions.length, 'decision')}${is_complete ? '' : '; only the beginning is shown'}`)
  const open = new Set([...$('timeline').querySelectorAll('details[open]')].map((each) => each.closest('li').dataset.at))
  $('timeline').replaceChildren(...steps.filter((step) => step.isShown).map((step) => step.element()))
  ;[...$('timeline').children].forEach((element, at) => {
    element.dataset.at = at
    if (open.has(String(at))) element.querySelector('details')?.setAttribute('open', '')
  })
}

const drawOutcome = ({ session, outcome }) => {
  const [what, note] = outcome
    ? outcome.has_purchased
      ? ['Purchased', `${money(outcome.revenue)} in ${many(outcome.purchase_count, 'purchase')}`]
      : outcome.abandoned_cart_value > 0
        ? ['Left the cart', `${money(outcome.abandoned_cart_value)} was in it`]
        : ['Left', 'without a cart']
    : session.purchase_count > 0
      ? ['Purchased', `${money(session.revenue)}; still in the shop`]
      : ['Still open', `last seen ${ago(session.last_seen_at, Date.now()).replace('now', 'just now').replace(/( s| min| h| d)$/, '$1 ago')}`]
  $('outcome').replaceChildren(h('p', { class: 'figure' }, what), h('p', { class: 'note' }, note))
}

const FEATURES = [
  ['Events', 'event_count', count],
  ['Pages', 'page_count', count],
  ['Product views', 'product_view_count', count],
  ['Different products', 'distinct_product_count', count],
  ['Different categories', 'distinct_category_count', count],
  ['Lists', 'list_view_count', count],
  ['Searches', 'search_count', count],
  ['Added to cart', 'add_to_cart_count', count],
  ['Removed from cart', 'remove_from_cart_count', count],
  ['Cart views', 'cart_view_count', count],
  ['Wishlist', 'wishlist_count', count],
  ['Promotions', 'promotion_count', count],
  ['Coupons', 'coupon_count', count],
  ['Checkout steps', 'checkout_step_count', count],
  ['Purchases', 'purchase_count', count],
  ['Revenue', 'revenue', money],
  ['Cart', 'cart_value', money],
  ['Cart items', 'cart_item_count', count],
  ['Mean price viewed', 'viewed_price_mean', money],
  ['Highest price viewed', 'viewed_price_max', money],
  ['Time on site', 'time_on_site_s', duration],
  ['Active time', 'active_ms', (ms) => (ms === null ? NONE : duration(ms / 1000))],
  ['Deepest scroll', 'scroll_percent_max', (p) => (p === null ? NONE : percent(p / 100))],
  ['Pointer travel', 'pointer_distance_px', (px) => (px === null ? NONE : `${count(px)} px`)],
  ['Clicks', 'click_count', count],
  ['Rage clicks', 'rage_click_count', count],
  ['Entry page', 'entry_path', (path) => clip(path ?? NONE, 60)],
  ['Last page', 'last_path', (path) => clip(path ?? NONE, 60)],
  ['Earlier sessions', 'previous_session_count', count],
  ['Earlier purchases', 'previous_purchase_count', count],
  ['Earlier revenue', 'previous_revenue', money],
  ['Since the last session', 'seconds_since_previous_session', duration],
]

const drawFeatures = ({ session }) => {
  // What is zero or unknown says little; the API has it.
  const known = FEATURES.filter(([, name]) => session[name])
  $('features').replaceChildren(...known.flatMap(([words, name, format]) => [h('dt', {}, words), h('dd', {}, format(session[name]))]))
}

const draw = (story) => {
  $('story').hidden = false
  $('none').hidden = true
  drawHead(story)
  curveChart($('chart-curve'), story.decisions, story.events.map((e) => ({ occurred_at: e.occurred_at, kind: eventWords(e.event_name)[1] })))
  const offers = new Set(story.decisions.filter((d) => d.is_offered).map((d) => d.incentive_type)).size
  setText($('curve-note'), `after each event${offers ? '; filled dots offered an incentive' : ''}`)
  drawTimeline(story)
  drawOutcome(story)
  drawFeatures(story)
}

const show = (state, words, trouble) => {
  $('link').className = `link ${state}`
  setText($('link'), words)
  $('trouble').hidden = !trouble
  setText($('trouble'), trouble ?? '')
}

// It may yet come: a decision is told before its session is stored.
const showNone = () => {
  $('story').hidden = true
  $('none').hidden = false
  document.title = 'No such session · Shopstream'
  show('is-lost', 'No such session')
  drawn = ''
}

let story = null
const ask = async () => {
  try {
    const answer = await fetch(url)
    const text = await answer.text()
    if (answer.status === 404) return showNone()
    if (!answer.ok) throw new Error(JSON.parse(text).message)
    story = JSON.parse(text)
    if (text !== drawn) draw(story)
    else drawOutcome(story)
    drawn = text
    show('is-live', story.outcome ? 'Closed' : 'Live')
  } catch (error) {
    show('is-lost', 'Not up to date', error instanceof TypeError ? 'The console does not answer; this page will go on by itself when it does.' : error.message)
  }
}

const keepAsking = async () => {
  if (!document.hidden) await ask()
  setTimeout(keepAsking, ASK_EVERY_MS)
}

$('only-turns').addEventListener('change', () => story && drawTimeline(story))
keepAsking()
