// The live page: asks for sessions and figures every few seconds, and hears each decision at once.

import { ask } from './ask.js'
import { barsChart, likelihoodChart, minutesChart, sparkline } from './charts.js'
import { $, h, setText } from './dom.js'
import { clip, count, incentiveName, many, milliseconds, money, NONE, percent, personaClass, rate, timeWithSeconds } from './format.js'
import { applyDecision, drawEmpty, drawSessions, sessionUrl, shopperName, tickAgo } from './sessions.js'

const ASK_EVERY_MS = 2500
const MOST_ROWS = matchMedia('(max-width: 720px)').matches ? 20 : 60
const MOST_IN_FEED = 40

let sessions = []
const likelihoods = new Map() // session_id → likelihood of the decision before
const state = { hasFeed: false, hasSessions: true, hasFigures: true }

const showLink = () => {
  const isLive = state.hasFeed && state.hasSessions && state.hasFigures
  $('link').className = isLive ? 'link is-live' : state.hasSessions && state.hasFigures ? 'link' : 'link is-lost'
  setText($('link'), isLive ? 'Live' : state.hasSessions && state.hasFigures ? 'Connecting' : 'Not up to date')
}

const showTrouble = (message) => {
  $('trouble').hidden = !message
  setText($('trouble'), message ?? '')
  showLink()
}

const drawTable = () => {
  const persona = $('persona').value
  $('table').hidden = sessions.length === 0
  $('empty').hidden = sessions.length > 0
  if (sessions.length) drawSessions(sessions)
  else drawEmpty(persona !== '')
}

const askSessions = async () => {
  const asked = new URLSearchParams({ limit: MOST_ROWS, order: $('order').value })
  if ($('persona').value) asked.set('persona', $('persona').value)
  const answer = await ask(`/api/sessions?${asked}`)
  sessions = answer.sessions
  setText($('sessions-count'), answer.total > sessions.length ? `${count(sessions.length)} of ${count(answer.total)}` : answer.total ? count(answer.total) : '')
  drawTable()
}

const askFigures = async () => {
  const { totals, minutes, likelihoods: tenths, funnel, personas, budgets } = await ask('/api/overview')
  setText($('active'), count(totals.active_sessions))
  setText($('sessions'), count(totals.sessions))
  setText($('sessions-note'), `${money(totals.open_cart_value)} in open carts`)
  setText($('conversion'), percent(totals.conversion_rate, 1))
  setText($('conversion-note'), many(totals.purchases, 'purchase'))
  setText($('revenue'), money(totals.revenue))
  setText($('revenue-note'), totals.purchases ? `${money(totals.revenue / totals.purchases)} a purchase` : 'no purchase yet')
  setText($('events'), rate(totals.events_per_s))
  setText($('latency'), milliseconds(totals.latency_p50_s))
  setText($('latency-note'), totals.latency_p95_s === null ? 'none in the last minute' : `95% within ${milliseconds(totals.latency_p95_s)}`)
  sparkline($('events-spark'), minutes.slice(-31, -1).map((m) => m.events))
  minutesChart($('chart-minutes'), minutes)
  likelihoodChart($('chart-likelihood'), tenths)
  const entered = funnel[0]?.sessions ?? 0
  barsChart(
    $('chart-funnel'),
    funnel.map((step) => ({ name: step.step, value: step.sessions, share: entered ? step.sessions / entered : 0, note: entered ? percent(step.sessions / entered) : '' })),
    'No session in the last 24 hours.',
  )
  const scored = personas.reduce((sum, p) => sum + p.sessions, 0)
  barsChart(
    $('chart-personas'),
    personas.map((p) => ({ name: p.persona, value: p.sessions, share: p.sessions / scored, note: `${percent(p.converted_sessions / p.sessions)} buy`, tone: personaClass(p.persona) })),
    'No session has a persona yet.',
  )
  $('budgets-card').hidden = budgets.length === 0
  barsChart(
    $('budgets'),
    budgets.map((b) => ({
      name: b.budget,
      value: b.offered_cost,
      words: [b.offered_cost, b.per_day].map((n) => (Number.isInteger(n) ? count(n) : money(n))).join(' of '), // money, or a count of offers
      share: b.per_day ? Math.min(1, b.offered_cost / b.per_day) : 0,
      note: b.is_kept ? many(b.offers, 'offer') : 'more than was set aside',
      tone: !b.is_kept ? 'is-broken' : '',
    })),
    'Nothing was offered out of a budget today.',
  )
}

const askAll = async () => {
  const [table, figures] = await Promise.allSettled([askSessions(), askFigures()])
  state.hasSessions = table.status === 'fulfilled'
  state.hasFigures = figures.status === 'fulfilled'
  const lost = [table, figures].find((each) => each.status === 'rejected')
  showTrouble(lost && (lost.reason instanceof TypeError ? 'The console does not answer; this page will go on by itself when it does.' : lost.reason.message))
}

const keepAsking = async () => {
  if (!document.hidden) await askAll()
  setTimeout(keepAsking, ASK_EVERY_MS)
}

const entry = (decision) => {
  const before = likelihoods.get(decision.session_id)
  likelihoods.delete(decision.session_id)
  likelihoods.set(decision.session_id, decision.likelihood)
  if (likelihoods.size > 2000) likelihoods.delete(likelihoods.keys().next().value)
  const swing = before === undefined ? 0 : Math.round((decision.likelihood - before) * 100)
  const incentive = decision.incentive
  return h(
    'li',
    {},
    h(
      'a',
      { href: sessionUrl(decision.session_id) },
      h(
        'span',
        { class: 'first' },
        h('span', { class: 'swing' }, percent(decision.likelihood), swing !== 0 && h('small', { class: swing > 0 ? 'up' : 'down' }, `${swing > 0 ? '+' : '−'}${Math.abs(swing)}`)),
        h('span', { class: `chip ${personaClass(decision.persona)}` }, decision.persona),
        h('span', { class: 'at' }, timeWithSeconds(decision.decided_at)),
      ),
      h('span', { class: incentive && decision.is_offered ? 'what' : 'what held' }, incentive ? `${incentiveName(incentive.type)}: ${incentive.message}` : 'No incentive'),
      h('span', { class: 'why' }, clip(shopperName(decision), 16), ' · ', incentive && !decision.is_offered ? 'held out to measure by' : reasonText(decision.because[0])),
    ),
  )
}

const reasonText = (reason) => (reason ? reason.replace(/^[+-] /, '') : NONE)

const hear = (decisions) => {
  const feed = $('feed')
  // A feed that moves under the reader's finger cannot be read.
  if (!feed.matches(':hover')) {
    feed.prepend(...decisions.slice(-MOST_IN_FEED).map(entry).reverse())
    while (feed.children.length > MOST_IN_FEED) feed.lastChild.remove()
  }
  $('feed-empty').hidden = feed.children.length > 0
  for (const decision of decisions) applyDecision(sessions, decision)
  if (sessions.length) drawSessions(sessions)
}

const listen = () => {
  const source = new EventSource('/api/live')
  source.addEventListener('open', () => {
    state.hasFeed = true
    $('feed').replaceChildren() // the feed begins anew with the last decisions
    showLink()
  })
  source.addEventListener('decisions', (event) => hear(JSON.parse(event.data)))
  source.addEventListener('error', () => {
    state.hasFeed = false
    showLink()
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000)
  })
}

for (const id of ['persona', 'order']) $(id).addEventListener('change', askAll)
document.addEventListener('visibilitychange', () => document.hidden || askAll())
setInterval(tickAgo, 1000)
listen()
keepAsking()
