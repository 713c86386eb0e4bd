// The table of sessions in progress.

import { $, h, reconcile, setText } from './dom.js'
import { ago, clip, count, incentiveName, many, money, NONE, percent, personaClass } from './format.js'

const shown = new Map() // session_id → event_count when last drawn

export const sessionUrl = (sessionId) => `/sessions/${encodeURIComponent(sessionId)}`
export const shopperName = (s) => clip(s.user_id ?? s.visitor_id, 24)

const row = () =>
  h(
    'tr',
    {},
    h('td', {}, h('div', {}, h('a', { class: 'shopper' })), h('div', { class: 'sub' })),
    h('td', {}, h('div', { class: 'meter' }, h('span', { class: 'track' }, h('i')), h('b'))),
    h('td', {}, h('div', {}, h('span', { class: 'chip' })), h('div', { class: 'sub' })),
    h('td', {}, h('div'), h('div', { class: 'sub' })),
    h('td', { class: 'right' }, h('div'), h('div', { class: 'sub' })),
    h('td', {}, h('div'), h('div', { class: 'sub' })),
    h('td', { class: 'right sub' }),
  )

const update = (element, s) => {
  const [shopper, likelihood, persona, incentive, cart, page, seen] = element.children
  const link = shopper.querySelector('a')
  link.className = s.user_id ? 'shopper' : 'shopper is-anonymous'
  link.setAttribute('href', sessionUrl(s.session_id))
  link.title = s.visitor_id.slice(0, 200)
  setText(link, shopperName(s))
  setText(shopper.lastChild, `${clip(s.device_type, 12)} · ${clip(s.channel, 12)}`)

  const [track, figure] = likelihood.firstChild.children
  track.firstChild.style.setProperty('--p', `${((s.likelihood ?? 0) * 100).toFixed(1)}%`)
  setText(figure, s.likelihood === null ? NONE : percent(s.likelihood))

  const chip = persona.querySelector('.chip')
  chip.className = `chip ${personaClass(s.persona)}`
  setText(chip, s.persona ?? 'unknown yet')
  setText(persona.lastChild, s.style ?? '')

  const isHeld = s.incentive_type !== null && !s.is_offered
  incentive.className = s.incentive_type === null ? 'is-none' : isHeld ? 'held' : ''
  setText(incentive.firstChild, s.incentive_type === null ? NONE : s.incentive_message)
  incentive.title = s.incentive_message ?? ''
  setText(incentive.lastChild, s.incentive_type === null ? '' : isHeld ? `${incentiveName(s.incentive_type)}, held out` : incentiveName(s.incentive_type))

  const hasBought = s.purchase_count > 0
  cart.className = hasBought || s.cart_value > 0 ? 'right' : 'right is-none'
  cart.firstChild.className = hasBought ? 'is-bought' : ''
  setText(cart.firstChild, hasBought ? money(s.revenue) : s.cart_value > 0 ? money(s.cart_value) : NONE)
  setText(cart.lastChild, hasBought ? 'bought' : s.cart_item_count > 0 ? many(s.cart_item_count, 'item') : '')

  setText(page.firstChild, clip(s.last_path ?? NONE, 120))
  page.title = clip(s.last_path ?? '', 300)
  setText(page.lastChild, many(s.event_count, 'event'))

  element.dataset.seen = s.last_seen_at
  setText(seen, ago(s.last_seen_at, Date.now()))

  const before = shown.get(s.session_id)
  if (before !== undefined && before !== s.event_count) {
    element.classList.remove('is-fresh')
    void element.offsetWidth // lets the animation start anew
    element.classList.add('is-fresh')
  }
  shown.set(s.session_id, s.event_count)
}

export const drawSessions = (sessions) => {
  reconcile($('rows'), sessions, (s) => s.session_id, row, update)
  const present = new Set(sessions.map((s) => s.session_id))
  for (const id of shown.keys()) if (!present.has(id)) shown.delete(id)
}

// A decision reaches this page before its session's row has been written.
export const applyDecision = (sessions, decision) => {
  const session = sessions.find((s) => s.session_id === decision.session_id)
  if (!session || decision.event_count < session.event_count) return
  session.likelihood = decision.likelihood
  session.persona = decision.persona
  session.style = decision.style
  session.event_count = decision.event_count
  if (decision.occurred_at > session.last_seen_at) session.last_seen_at = decision.occurred_at
  if (decision.incentive) {
    session.incentive_type = decision.incentive.type
    session.incentive_message = decision.incentive.message
    session.is_offered = decision.is_offered
  }
}

export const tickAgo = () => {
  for (const element of $('rows').children) setText(element.lastChild, ago(element.dataset.seen, Date.now()))
}

export const drawEmpty = (isFiltered) => {
  const ingest = `${location.protocol}//${location.hostname}:8080`
  const snippet = `<script async src="${ingest}/shopstream.js" data-write-key="demo" data-decisions="${location.origin}"></` + 'script>'
  $('empty').replaceChildren(
    ...(isFiltered
      ? [h('h3', {}, 'No session in progress has this persona.'), h('p', {}, 'Choose “All” to see every session.')]
      : [
          h('h3', {}, 'No one is in the shop.'),
          h('p', {}, 'Sessions appear here a moment after their first event. Three ways to see some:'),
          h(
            'ol',
            {},
            h('li', {}, 'Send simulated shoppers: ', h('code', {}, 'shopstream shoppers --rate 5')),
            h('li', {}, 'Walk through the demo shop yourself: ', h('code', {}, `${location.protocol}//${location.hostname}:8082`)),
            h('li', {}, 'Put the tracker on a page of yours: ', h('code', { class: 'block' }, snippet)),
          ),
        ]),
  )
}
