// The shop's own script: tells the tracker what happened, and keeps working when there is no tracker.
//
// `window.shopstream` is a plain array until the tracker has loaded, and the tracker afterwards; both understand `push`.
(() => {
  window.shopstream = window.shopstream || []
  const tell = (...call) => {
    try {
      window.shopstream.push(call)
      document.dispatchEvent(new CustomEvent('shop:told', { detail: call }))
    } catch (error) {
      console.warn('shop: the tracker refused', call[0], error)
    }
  }
  const json = (text) => JSON.parse(text || '{}')
  const post = (form) =>
    fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), headers: { Accept: 'application/json' } })

  // What this page is, said by the server.
  for (const call of json(document.getElementById('page-events').textContent)) tell(...call)

  // --- toast and badge ---

  const toast = document.createElement('div')
  toast.className = 'toast'
  toast.setAttribute('role', 'status')
  document.body.append(toast)
  let toastTimer
  const say = (text, link) => {
    const words = document.createElement('span')
    words.textContent = text
    toast.replaceChildren(words)
    if (link) {
      const anchor = document.createElement('a')
      Object.assign(anchor, { href: link[0], textContent: link[1] })
      toast.append(anchor)
    }
    toast.classList.add('shown')
    clearTimeout(toastTimer)
    toastTimer = setTimeout(() => toast.classList.remove('shown'), 3500)
  }
  const count = (number) => {
    const badge = document.getElementById('cart-count')
    badge.textContent = number
    badge.hidden = !number
  }

  // --- forms: with a script the page stays, without one the server answers with a page ---

  const whenSubmitted = (selector, act, within = document) => {
    for (const form of within.querySelectorAll(selector)) form.addEventListener('submit', (event) => act(form, event))
  }

  const add = async (form, event) => {
    event.preventDefault()
    const quantity = Number(new FormData(form).get('quantity') || 1)
    const item = { ...json(form.dataset.item), quantity, currency: 'EUR' }
    try {
      const answer = await post(form)
      if (!answer.ok) throw new Error(answer.status)
      tell('addToCart', item)
      count((await answer.json()).item_count)
      say(`${item.item_name} is in your cart`, ['/cart', 'View cart'])
    } catch {
      form.submit()
    }
  }

  // Cards of products: those of the page, and those that come to it later.
  const enliven = (within) => {
    whenSubmitted('form.add', add, within)
    for (const link of within.querySelectorAll('.card > a')) {
      link.addEventListener('click', () =>
        tell('track', 'select_item', {
          item_list_name: link.dataset.list,
          currency: 'EUR',
          items: [{ ...json(link.dataset.item), index: Number(link.dataset.index) }],
        }),
      )
    }
  }
  enliven(document)
  window.shop = { tell, say, count, enliven }

  whenSubmitted('form.change', (form) => {
    const line = form.closest('.line')
    const item = { ...json(line.dataset.item), currency: 'EUR' }
    const more = Number(new FormData(form).get('quantity')) - Number(line.dataset.quantity)
    if (more > 0) tell('addToCart', { ...item, quantity: more })
    if (more < 0) tell('removeFromCart', { ...item, quantity: -more })
  })

  whenSubmitted('form.coupon', async (form, event) => {
    event.preventDefault()
    const answer = await post(form)
    if (answer.ok) {
      tell('track', 'coupon_applied', { coupon: new FormData(form).get('code').trim().toUpperCase() })
      location.reload()
    } else {
      form.querySelector('.fault').textContent = (await answer.json()).message
    }
  })

  whenSubmitted('form[data-tells]', (form) => {
    const cart = json(document.getElementById('cart-summary').dataset.cart)
    const chosen = { add_shipping_info: { shipping_tier: 'Standard' }, add_payment_info: { payment_type: new FormData(form).get('payment_type') } }
    for (const name of form.dataset.tells.split(' ')) tell('track', name, { ...cart, ...chosen[name] })
  })

  for (const form of document.querySelectorAll('form[data-submits-itself]')) {
    form.addEventListener('change', () => form.requestSubmit())
  }

  for (const stepper of document.querySelectorAll('[data-stepper]')) {
    const input = stepper.querySelector('input')
    stepper.addEventListener('click', ({ target }) => {
      const step = target.closest('[data-step]')
      if (!step) return
      const value = Math.min(Number(input.max), Math.max(Number(input.min), Number(input.value) + Number(step.dataset.step)))
      if (value === Number(input.value)) return
      input.value = value
      input.dispatchEvent(new Event('change', { bubbles: true }))
    })
  }

  const chosen = document.querySelector('.chips [aria-current]')
  if (chosen) chosen.closest('.chips').scrollLeft = chosen.offsetLeft - 16 // on a phone the row is longer than the screen

  document.querySelector('[data-sample]')?.addEventListener('click', () => {
    const sample = { email: 'ada@example.com', name: 'Ada Sample', street: '1 Kettle Lane', postcode: '10115', city: 'Berlin' }
    for (const [id, value] of Object.entries(sample)) {
      const input = document.getElementById(id)
      if (input) input.value = value
    }
  })
})()
