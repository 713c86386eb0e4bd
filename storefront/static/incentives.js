// Shows an incentive when it comes, in a corner, once, and says what became of it.
(() => {
  const { tell, say } = window.shop
  const PENDING = 'shop.incentive' // an incentive that was neither taken nor sent away stays over the next pages

  const KINDS = {
    discount: {
      title: ({ discount }) => `${Math.round(discount)}% off, for you`,
      action: 'Use it',
      done: ({ discount }) => `${Math.round(discount)}% comes off at checkout`,
      icon: 'M12.500 3.500H20v7.500l-9 9-7.500-7.500zM16 8h.01',
    },
    free_shipping: {
      title: () => 'Shipping is on us',
      action: 'Ship it free',
      done: () => 'Your order ships free',
      icon: 'M3 6h11v10H3zM14 9h4l3 3.500V16h-7M7 19a1.800 1.800 0 1 0 0-3.600A1.800 1.800 0 0 0 7 19zM17.500 19a1.800 1.800 0 1 0 0-3.600 1.800 1.800 0 0 0 0 3.600z',
    },
    loyalty_points: {
      title: () => 'Twice the leaf points',
      action: 'Collect double',
      done: () => 'Points on this order are doubled',
      icon: 'M5 19C4 9 10 4 20 4c0 10-5 16-15 15zM5 19c3-5 6-7.500 10-10',
    },
    urgency: {
      title: () => 'Going quickly',
      action: 'Go to my cart',
      done: () => 'We keep it aside for you',
      goTo: '/cart',
      icon: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.500 2',
    },
    tutorial: {
      title: () => 'New to loose leaf?',
      action: 'Show me how',
      goTo: '/guide',
      icon: 'M4 5c3-1 6-.500 8 1.500C14 4.500 17 4 20 5v13c-3-1-6-.500-8 1.500C10 17.500 7 17 4 18zM12 6.500V19',
    },
    simplified_checkout: {
      title: () => 'One page and done',
      action: 'Check out now',
      goTo: '/checkout',
      icon: 'M13 3 5 13.500h6L10 21l9-11h-6.500z',
    },
  }

  const remember = (incentive) => {
    try {
      if (incentive) sessionStorage.setItem(PENDING, JSON.stringify(incentive))
      else sessionStorage.removeItem(PENDING)
    } catch {} // a browser without storage shows it on this page only
  }
  const remembered = () => {
    try {
      return JSON.parse(sessionStorage.getItem(PENDING))
    } catch {}
  }

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties)
    made.append(...children)
    return made
  }
  const sign = (path) => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    const stroke = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' })) svg.setAttribute(key, value)
    stroke.setAttribute('d', path)
    svg.append(stroke)
    return element('div', { className: 'incentive-sign' }, svg)
  }

  let card

  const close = () => {
    const leaving = card
    card = null
    remember(null)
    leaving.classList.add('leaving')
    setTimeout(() => leaving.remove(), 220)
  }

  const accept = async (incentive, kind) => {
    tell('track', 'incentive_accepted', { incentive_id: incentive.incentive_id })
    close()
    const { incentive_id, type, discount } = incentive
    try {
      const body = JSON.stringify({ incentive_id, type, discount })
      const answer = await fetch('/cart/offer', { method: 'POST', body, headers: { Accept: 'application/json' } })
      if (!answer.ok) throw new Error(answer.status)
      if (kind.goTo && kind.goTo !== location.pathname) return location.assign(kind.goTo)
      if (location.pathname === '/cart' || location.pathname.startsWith('/checkout')) return location.reload()
      say(kind.done(incentive), ['/cart', 'View cart'])
    } catch {
      say('That did not work. Please try again on the cart page.')
    }
  }

  const show = (incentive, isNew) => {
    const kind = KINDS[incentive.type]
    if (!kind || card) return
    const button = element('button', { type: 'button', className: 'button', textContent: kind.action })
    const later = element('button', { type: 'button', className: 'quiet', textContent: 'No, thanks' })
    const cross = element('button', { type: 'button', className: 'incentive-close', textContent: '×', ariaLabel: 'Close' })
    card = element(
      'aside',
      { className: 'incentive', ariaLabel: 'An offer for you' },
      sign(kind.icon),
      element('h2', { textContent: kind.title(incentive) }),
      element('p', { textContent: incentive.message }),
      element('div', { className: 'incentive-acts' }, button, later),
      cross,
    )
    card.dataset.type = incentive.type
    const dismiss = () => {
      tell('track', 'incentive_dismissed', { incentive_id: incentive.incentive_id })
      close()
    }
    button.addEventListener('click', () => accept(incentive, kind))
    later.addEventListener('click', dismiss)
    cross.addEventListener('click', dismiss)
    card.addEventListener('keydown', ({ key }) => key === 'Escape' && dismiss())
    document.body.append(card)
    remember(incentive)
    if (isNew) tell('track', 'incentive_shown', { incentive_id: incentive.incentive_id })
  }

  const pending = remembered()
  if (pending) show(pending, false)
  tell('on', 'incentive', (incentive) => show(incentive, true))
})()
