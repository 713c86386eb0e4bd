// For developers: what the pipeline thinks of this visitor right now.
(() => {
  const consoleUrl = document.currentScript.dataset.console
  const HISTORY = 'shop.likelihoods', OPEN = 'shop.developer'
  const stored = (store, key, fallback) => {
    try {
      return JSON.parse(store.getItem(key)) ?? fallback
    } catch {
      return fallback
    }
  }
  const keep = (store, key, value) => {
    try {
      store.setItem(key, JSON.stringify(value))
    } catch {} // without storage the panel forgets between pages
  }
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties)
    made.append(...children.filter(Boolean))
    return made
  }
  const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`

  const likelihoods = stored(sessionStorage, HISTORY, [])
  const told = []
  let latest

  const label = element('span', { textContent: 'Pipeline' })
  const toggle = element('button', { type: 'button', className: 'developer-toggle' }, element('i'), label)
  const panel = element('div', { className: 'developer-panel', hidden: !stored(localStorage, OPEN, false) })
  const root = element('div', { className: 'developer' }, panel, toggle)
  const reflect = () => toggle.setAttribute('aria-expanded', String(!panel.hidden))
  toggle.addEventListener('click', () => {
    panel.hidden = !panel.hidden
    keep(localStorage, OPEN, !panel.hidden)
    reflect()
  })
  reflect()
  document.body.append(root)

  const sparkline = () => {
    const make = (name, attributes) => {
      const made = document.createElementNS('http://www.w3.org/2000/svg', name)
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
      return made
    }
    const highest = Math.max(0.1, ...likelihoods)
    const at = (index) => [likelihoods.length < 2 ? 170 : (index * 170) / (likelihoods.length - 1), 42 - (likelihoods[index] / highest) * 38]
    const svg = make('svg', { viewBox: '0 0 170 44', 'aria-hidden': 'true' })
    svg.append(make('polyline', { points: likelihoods.map((_, index) => at(index).join(',')).join(' ') }))
    const [cx, cy] = at(likelihoods.length - 1)
    svg.append(make('circle', { cx, cy, r: 3.5 }))
    return svg
  }

  const facts = (rows) =>
    element('dl', {}, ...rows.flatMap(([name, value]) => [element('dt', { textContent: name }), element('dd', { textContent: value })]))

  const offered = ({ incentive, is_offered, arm }) => {
    if (!incentive) return 'none'
    return `${incentive.type.replaceAll('_', ' ')}, ${is_offered ? 'offered' : arm === 'holdout' ? 'held out' : 'not offered'}`
  }

  // A reason begins with "+ " when it speaks for buying and with "- " when it speaks against.
  const reasonLine = (reason) => {
    const className = { '+ ': 'for', '- ': 'against' }[reason.slice(0, 2)] || ''
    return element('li', { className, textContent: className ? reason.slice(2) : reason })
  }

  const draw = () => {
    const parts = []
    if (latest) {
      const tookMs = Math.max(0, Date.parse(latest.decided_at) - Date.parse(latest.received_at))
      parts.push(
        element('h3', { textContent: 'Likely to buy in this session' }),
        element('div', { className: 'likelihood' }, element('b', { textContent: percent(latest.likelihood) }), sparkline()),
        element('h3', { textContent: 'Who' }),
        facts([
          ['Persona', `${latest.persona} (${percent(latest.persona_confidence)})`],
          ['Style', `${latest.style} (${percent(latest.style_confidence)})`],
          ['Incentive', offered(latest)],
          ['Arm', latest.arm],
        ]),
        element('h3', { textContent: 'Because' }),
        element('ul', { className: 'because' }, ...latest.because.map(reasonLine)),
        element('h3', { textContent: 'Decision' }),
        facts([
          ['Events', `${latest.event_count} in this session`],
          ['Decided', `${Math.round(tookMs)} ms after it came in`],
          ['Model', `${latest.model_version} · ${latest.policy_version}`],
          ['Visitor', latest.visitor_id],
        ]),
      )
    } else {
      parts.push(
        element('h3', { textContent: 'Waiting for a decision' }),
        element('p', { textContent: `None yet. Decisions come from ${consoleUrl}; \`shopstream doctor\` says what is wrong when none come.` }),
      )
    }
    if (told.length) {
      const rows = told.map(([name, at]) =>
        element('li', {}, element('span', { textContent: name }), element('time', { textContent: at.toLocaleTimeString('en-GB') })),
      )
      parts.push(element('h3', { textContent: 'Told the tracker' }), element('ul', { className: 'told' }, ...rows))
    }
    panel.replaceChildren(...parts)
    label.textContent = latest ? `Pipeline · ${percent(latest.likelihood)}` : 'Pipeline'
    root.classList.toggle('live', !!latest)
  }

  document.addEventListener('shop:told', ({ detail: [method, name] }) => {
    if (method === 'on' || method === 'recommend') return
    told.unshift([method === 'track' ? name : method, new Date()])
    told.length = Math.min(told.length, 6)
    draw()
  })

  window.shop.tell('on', 'decision', (decision) => {
    latest = decision
    likelihoods.push(decision.likelihood)
    likelihoods.splice(0, Math.max(0, likelihoods.length - 40))
    keep(sessionStorage, HISTORY, likelihoods)
    root.classList.remove('fresh')
    void root.offsetWidth // restarts the animation
    root.classList.add('fresh')
    draw()
  })

  draw()
})()
