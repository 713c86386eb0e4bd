// Hop 1. A visitor's act in, a batch of events out; decisions come back.
//
//   <script async src="https://collect.shop.example/shopstream.js" data-write-key="demo"
//           data-decisions="https://console.shop.example"></script>
//
// A guest in someone else's page: nothing here throws into the page or makes it wait, and what it stores is bounded.
// One file, and so a long one: it is served as it stands, without its comments.
(() => {
  const script = document.currentScript
  if (!script || window.shopstream?.visitorId) return

  const { writeKey, decisions, clicks: wish = 'false' } = script.dataset
  const keepsClicks = wish !== 'false' // as frameworks write it
  const endpoint = new URL('v1/batch', script.src).href
  const library = { name: 'shopstream.js', version: '0.1.0' }

  const quiet = (work) => (...args) => {
    try {
      return work(...args)
    } catch (error) {
      console.warn('shopstream:', error)
    }
  }

  const backoff = (failureCount) => Math.min(6e4, 1000 * 2 ** failureCount) * (0.5 + Math.random() / 2)

  // --- storage: may be full, forbidden or absent ---

  const VISITOR = 'shopstream.visitor' // the visitor id, a dot, the secret that the id is made from
  const USER = 'shopstream.user'
  const REFUSED = 'shopstream.refused' // holds who said so
  const PAGE = '1'
  const GOOGLE = '2'
  const QUEUE = 'shopstream.queue.'
  const SEEN = 'shopstream.seen.'

  const attempt = (work) => {
    try {
      return work()
    } catch {}
  }
  const recall = (key) => attempt(() => localStorage.getItem(key))
  const keep = (key, value) => attempt(() => (localStorage.setItem(key, value), true))
  const forget = (key) => attempt(() => localStorage.removeItem(key))
  const keysFrom = (prefix) =>
    attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(prefix)).sort()) || []

  // --- who: a visitor id that anyone may see, made from a secret that only this browser holds ---

  let id, secret, user, isLimited, hasGranted, recognition, recognitions = 0
  let hasRefused = !!recall(REFUSED)

  const base64 = (bytes) =>
    btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (char) => ({ '+': '-', '/': '_' })[char] || '')
  const randomId = (byteCount) => base64(crypto.getRandomValues(new Uint8Array(byteCount)))

  const recognize = () => (recognition = recognized())

  const recognized = async () => {
    const run = ++recognitions
    latest = null
    // Without consent the id lives and dies with this page, and nothing of ours stays in the browser.
    isLimited = hasRefused || navigator.globalPrivacyControl
    if (isLimited) {
      gather() // what happened before counts all the same
      for (const key of keysFrom('shopstream.')) key === REFUSED || forget(key)
    }
    user = recall(USER) || undefined
    let known = recall(VISITOR)
    if (!known) {
      id = secret = ''
      known = randomId(16) + '.' // 22 characters, as a hash would give; without a secret there are no decisions
      if (!isLimited && crypto.subtle) {
        const fresh = randomId(32)
        const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(fresh))
        if (run !== recognitions) return
        // One browser is one visitor: another tab may have been faster, or will be heard of by a storage event.
        known = recall(VISITOR) || base64(new Uint8Array(digest)).slice(0, 22) + '.' + fresh
      }
      if (!isLimited) keep(VISITOR, known)
    }
    id = known.slice(0, 22)
    secret = known.slice(23)
    retry()
    connect()
  }

  // --- what: events, and their way out ---

  const BATCH_EVENTS = 20
  let queue = [], sending = [], batchEvents = BATCH_EVENTS, failures = 0, flushTimer, retryTimer, hasWarned

  const preferring = (analytics) => ({ categoryPreferences: { analytics } })

  const record = (type, fields) => {
    queue.push({
      type,
      ...fields,
      messageId: randomId(16),
      timestamp: new Date(),
      userId: isLimited ? undefined : user,
      // What was refused stays so, also when it is sent after the visitor has allowed more.
      context: { page, campaign, consent: isLimited ? preferring(false) : undefined },
    })
    if (queue.length < BATCH_EVENTS) flushTimer ||= setTimeout(flush, 250)
    else flush()
  }

  // Done as late as can be: a single-page shop sets its title a little after the address,
  // and two tabs that open at once need a moment to agree who the visitor is.
  const complete = (items) => {
    page.title = document.title
    for (const item of items) item.anonymousId ||= id
  }

  // The page may change or tear down what it handed over, so it is copied at once.
  const copied = (properties = {}) => JSON.parse(JSON.stringify(properties))

  const track = (event, properties) => record('track', { event, properties: copied(properties) })

  const bodyOf = (batch) => {
    complete(batch)
    const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions()
    const context = { library, timezone, locale: navigator.language }
    if (isLimited || hasGranted) context.consent = preferring(!isLimited)
    return JSON.stringify({ batch, writeKey, sentAt: new Date(), context })
  }

  // Events that could not be sent wait in localStorage for whichever page or tab sends them. A stored key is never
  // changed, only read and removed: tabs that meet here may send an event twice under its one messageId, never lose it.
  const take = () =>
    keysFrom(QUEUE).flatMap((key) => {
      const items = attempt(() => JSON.parse(recall(key)))
      forget(key)
      return items || []
    })

  // Each event once: what is under way may be parked as well.
  const gather = () => {
    queue = [...new Map([...take(), ...queue].map((item) => [item.messageId, item])).values()]
  }

  const park = () => {
    if (!queue.length) return
    complete(queue)
    gather()
    let size = JSON.stringify(queue).length
    while (queue.length > 200 || size > 65536) {
      const oldest = Math.max(0, queue.findIndex((item) => item.event === 'user_engagement'))
      size -= JSON.stringify(queue.splice(oldest, 1)[0]).length + 1
    }
    if (!isLimited && keep(QUEUE + Date.now() + randomId(4), JSON.stringify(queue))) queue = []
  }

  const flush = async () => {
    clearTimeout(flushTimer)
    flushTimer = 0
    if (retryTimer) return park()
    if (sending.length || !queue.length || !id) return
    const batch = (sending = queue.splice(0, batchEvents))
    let status, after, reason
    try {
      const body = bodyOf(batch)
      // A string goes as text/plain: no preflight. Browsers let 64 KB in flight outlive the page.
      const answer = await fetch(endpoint, {
        method: 'POST',
        body,
        keepalive: body.length < 2e4,
        credentials: 'omit',
        signal: AbortSignal.timeout?.(3e4), // Safari has it since 16
        redirect: 'error', // what a redirect leads to would not be ingest's 200
      })
      status = answer.status
      after = answer.headers.get('retry-after')
      if (status !== 200) reason = await answer.text()
    } catch {} // no network, no status: try again later
    sending = []
    if (status === 200) {
      if (failures) {
        gather() // what was parked meanwhile
        queue = queue.filter((item) => !batch.some(({ messageId }) => messageId === item.messageId))
      }
      failures = 0
      batchEvents = BATCH_EVENTS
    } else if (status === 413 && batch.length > 1) {
      batchEvents = batch.length >> 1
      queue.unshift(...batch)
    } else if ([400, 401, 403, 413].includes(status)) {
      if (!hasWarned) console.warn('shopstream: refused', status, reason)
      hasWarned = true
    } else {
      queue.unshift(...batch)
      const asked = +after ? after * 1000 : Date.parse(after) - Date.now()
      const pause = backoff(failures++)
      retryTimer = setTimeout(retry, asked > 0 ? Math.min(asked, 3e5) : pause)
    }
    flush()
  }

  const retry = () => {
    clearTimeout(retryTimer)
    retryTimer = 0
    gather()
    flushTimer ||= setTimeout(flush, 250)
  }

  // Hidden may be the last we hear of a page, and a beacon survives that. But nobody sees a beacon's answer:
  // while ingest or the network is away, events are parked instead, and what cannot be parked stays here as well.
  const leave = quiet(() => {
    report()
    isVisible = false
    disconnect()
    const isAway = failures || !navigator.onLine
    if (isAway) {
      queue.unshift(...sending) // this page may not live to see the answer
      park()
    }
    if (id && queue.length && navigator.sendBeacon(endpoint, bodyOf(queue)) && !isAway) queue = []
    park()
  })

  // --- where: page views, also of single-page navigation ---

  let page = {}, path, campaign

  const view = (properties) => {
    page.title ??= document.title
    if (path) report()
    const { origin, pathname, search } = location
    path = pathname + search
    page = { path: pathname, search, url: origin + path, referrer: page.url ?? document.referrer }
    campaign = {}
    for (const [key, value] of new URLSearchParams(search)) {
      if (key.startsWith('utm_')) campaign[key === 'utm_campaign' ? 'name' : key.slice(4)] = value
    }
    deepest = depth = 0
    record('page', { properties: copied(properties) })
  }

  const navigated = quiet(() => {
    if (location.pathname + location.search !== path) view()
  })

  // --- how: engagement as sums; where it was clicked only with `data-clicks` ---

  const ACTIVE = 'a,button,input,select,textarea,label,summary,[role=button]'
  const root = document.documentElement
  let isVisible, lastActive = 0, reportTimer, pointer, spot, hit
  let engaged = 0, travel = 0, clicks = 0, rages = 0, deepest = 0, depth = 0, places = []

  const tick = () => {
    const now = performance.now()
    if (isVisible) engaged += Math.min(now - lastActive, 5000)
    lastActive = now
  }

  // What was clicked by its id, where in the shop its link leads, or its class; never by its text, nor by what has an address of e-mail in it.
  const nameOf = ({ localName, id, pathname, classList: [first] }) => {
    const name = id ? '#' + id : pathname?.[0] === '/' ? ':' + pathname : first ? '.' + first : ''
    return (/[@<>\s]|%40/.test(name) ? localName : localName + name).slice(0, 64)
  }

  const acted = quiet((event) => {
    const { type, clientX: x, clientY: y, timeStamp: at, target, pageX, pageY, detail } = event
    if (isLimited) return
    tick()
    reportTimer ||= setTimeout(report, 5000)
    if (type === 'scroll') deepest = Math.max(deepest, scrollY)
    if (type === 'pointermove') {
      if (pointer) travel += Math.hypot(x - pointer.x, y - pointer.y)
      pointer = { x, y }
    }
    if (type === 'click') {
      // The browser clicks a label's field after the label.
      const label = hit
      hit = target
      if (label !== hit && label?.closest?.('label')?.control === hit) return
      clicks++
      const isRun = at - spot?.at < 500 && Math.hypot(x - spot.x, y - spot.y) < 30
      spot = { x, y, at, count: isRun ? spot.count + 1 : 1 }
      if (spot.count === 3) rages++
      // A click by the keyboard has no count, and no place.
      if (keepsClicks && detail && !places[49]) {
        const active = event.composedPath().find((each) => each.matches?.(ACTIVE)) // also inside components
        places.push({
          x: +Math.max(0, Math.min(1, pageX / root.scrollWidth)).toFixed(3),
          y: Math.max(0, Math.round(pageY)),
          element: active && nameOf(active),
          is_rage: spot.count === 3 || undefined,
        })
      }
    }
  })

  const report = quiet(() => {
    clearTimeout(reportTimer)
    reportTimer = 0
    tick()
    if (isLimited || engaged < 1) return
    const bottom = (deepest + innerHeight) / root.scrollHeight
    depth = Math.max(depth, Math.min(100, Math.round(bottom * 100)))
    track('user_engagement', {
      engagement_time_msec: Math.round(engaged),
      percent_scrolled: depth,
      pointer_distance_px: Math.round(travel),
      click_count: clicks,
      rage_click_count: rages,
      ...(keepsClicks && { clicks: places, page_height_px: root.scrollHeight }),
    })
    engaged = travel = clicks = rages = 0
    places = []
  })

  const clicked = quiet(({ target }) => {
    const marked = target.closest?.('[data-shopstream-click]')
    if (!marked) return
    const properties = {}
    for (const { name, value } of marked.attributes) {
      if (name.startsWith('data-shopstream-')) properties[name.slice(16).replaceAll('-', '_')] = value
    }
    track('click', properties)
  })

  // --- back: decisions ---

  const listeners = { decision: new Set(), incentive: new Set() }
  const seen = new Set()
  let latest, stream, streamTimer, streamFailures = 0, connections = 0

  const tell = (name, ...args) => {
    for (const listener of listeners[name]) quiet(listener)(...args)
  }

  const offer = () => {
    const incentive = latest?.is_offered && latest.incentive
    if (!incentive || !listeners.incentive.size) return
    const key = SEEN + incentive.incentive_id
    if (seen.has(key) || attempt(() => sessionStorage.getItem(key))) return
    seen.add(key)
    attempt(() => sessionStorage.setItem(key, 1))
    tell('incentive', incentive, latest)
  }

  const decided = quiet(({ data }) => {
    const decision = JSON.parse(data)
    if (decision.decision_id === latest?.decision_id) return
    latest = decision
    tell('decision', decision)
    document.dispatchEvent(new CustomEvent('shopstream:decision', { detail: decision, bubbles: true }))
    offer()
  })

  const disconnect = () => {
    connections++
    clearTimeout(streamTimer)
    stream?.close()
  }

  const base = decisions?.replace(/[/]$/, '') + '/api/'

  // A token for this visitor; none where nobody may be known.
  const granted = async () => {
    if (!decisions || !secret) return
    const body = JSON.stringify({ visitor_secret: secret })
    const answer = await fetch(base + 'decisions/token', { method: 'POST', body, signal: AbortSignal.timeout?.(3e4) })
    return (await answer.json()).token
  }

  const recommend = async (asked, listener) => {
    try {
      await recognition
      const run = recognitions
      const token = await granted()
      if (!token) return
      const answer = await fetch(base + 'recommendations/' + id + '?' + new URLSearchParams({ ...copied(asked), token }))
      const told = await answer.json()
      if (answer.ok && run === recognitions) quiet(listener)(told)
    } catch {} // a page does without
  }

  const connect = async () => {
    disconnect()
    // A hidden tab needs no decisions, and a browser allows few open streams to one host.
    if (!decisions || !secret || !isVisible) return
    const run = connections
    const again = () => {
      if (run === connections) streamTimer = setTimeout(connect, backoff(streamFailures++))
    }
    try {
      const token = await granted()
      if (run !== connections) return
      if (!token) return again()
      stream = new EventSource(base + 'decisions/' + id + '/stream?' + new URLSearchParams({ token }))
      stream.onopen = () => (streamFailures = 0)
      // The browser reconnects by itself after a break; it gives up (2, CLOSED) on a 401: the token is too old.
      stream.onerror = ({ target }) => target.readyState === 2 && again()
      stream.addEventListener('decision', decided)
    } catch {
      again()
    }
  }

  // --- the page's side ---

  const whole = (name) => (cart) => track(name, cart)
  const line = (name) => ({ currency, items, ...rest }) =>
    track(name, items ? { currency, items, ...rest } : { currency, items: [rest] })
  const answered = (name) => ({ incentive_id }) => track(name, { incentive_id })

  const api = {
    track,
    page: view,
    identify(userId, traits) {
      if (!userId || typeof userId === 'object' || isLimited) return
      user = String(userId)
      keep(USER, user)
      record('identify', { traits: copied(traits) })
    },
    addToCart: line('add_to_cart'),
    removeFromCart: line('remove_from_cart'),
    checkout: whole('begin_checkout'),
    purchase: whole('purchase'),
    shown: answered('incentive_shown'),
    accepted: answered('incentive_accepted'),
    dismissed: answered('incentive_dismissed'),
    on(name, listener) {
      listeners[name].add(listener)
      if (name === 'incentive') offer()
      else if (latest) quiet(listener)(latest)
    },
    off: (name, listener) => listeners[name].delete(listener),
    recommend,
    visitorId: () => id,
    reset() {
      complete(queue)
      forget(USER)
      forget(VISITOR)
      recognize()
    },
    consent(isGranted, by = PAGE) {
      hasGranted = isGranted
      if (hasRefused === !isGranted) return
      complete(queue)
      hasRefused = !isGranted
      if (hasRefused) keep(REFUSED, by)
      else forget(REFUSED)
      recognize()
    },
    push: ([name, ...args]) => api[name](...args),
  }
  for (const name in api) api[name] = quiet(api[name])

  // GA4's two ways to say an event: gtag's `arguments` ('event', name, parameters), Tag Manager's {event, ecommerce}.
  const bridge = quiet((entry) => {
    const { event, ecommerce } = entry || {}
    const [name, properties] = entry?.[0] === 'event' ? [entry[1], entry[2]] : [ecommerce && event, ecommerce]
    if (name && name !== 'page_view') track(name, properties) // page views we see ourselves
  })

  // A banner that speaks Google's consent mode. Its default is nobody's choice, and what the page itself told us to refuse, only it allows.
  const chosen = quiet((entry) => {
    const word = entry?.[0] === 'consent' && entry[1] === 'update' && entry[2]?.analytics_storage
    if (word === 'denied') api.consent(false, GOOGLE)
    if (word === 'granted' && recall(REFUSED) !== PAGE) api.consent(true)
  })

  const wrap = (target, name, then) => {
    const original = target[name]
    target[name] = function (...args) {
      const result = original.apply(this, args)
      then(args)
      return result
    }
  }

  const shownOrHidden = quiet(() => {
    if (document.visibilityState === 'hidden') return leave()
    isVisible = true
    lastActive = performance.now()
    if (!retryTimer) retry()
    connect()
  })

  const start = quiet(() => {
    const calls = Array.isArray(window.shopstream) ? window.shopstream : []
    const isConsent = (call) => call?.[0] === 'consent'
    window.shopstream = api
    isVisible = document.visibilityState === 'visible'
    lastActive = performance.now()
    const layer = (window.dataLayer ||= [])
    attempt(() => layer.forEach(chosen)) // a page may have taken the name for something else
    calls.filter(isConsent).forEach(api.push)
    if (!recognitions) recognize()
    view()
    calls.filter((call) => !isConsent(call)).forEach(api.push)

    wrap(history, 'pushState', navigated)
    wrap(history, 'replaceState', navigated)
    addEventListener('popstate', navigated)
    addEventListener('click', clicked, true)
    for (const type of ['pointermove', 'pointerdown', 'scroll', 'keydown', 'click']) {
      addEventListener(type, acted, { passive: true, capture: true })
    }
    addEventListener('visibilitychange', shownOrHidden)
    addEventListener('pagehide', () => {
      leave()
      queue.unshift(...sending)
      park()
    })
    addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return
      // Kept in the browser's memory, this page has heard nothing of what later pages did.
      complete(queue)
      hasRefused ||= !!recall(REFUSED)
      recognize()
      api.page()
    })
    addEventListener('online', retry)
    addEventListener('storage', ({ key, newValue }) => {
      // What a tab parked as it closed would wait for the next page, where this one can send it now.
      if (key?.startsWith(QUEUE)) return newValue && !retryTimer && retry()
      if (key === REFUSED) hasRefused = !!newValue
      else if (key !== VISITOR || isLimited) return
      // Consent changed or the visitor was forgotten: what was before belongs to who it was then.
      if (key === REFUSED || !newValue) complete(queue)
      recognize()
    })

    layer.forEach(bridge)
    wrap(layer, 'push', (entries) => {
      entries.forEach(chosen)
      entries.forEach(bridge)
    })
  })

  // A page that the browser prepares ahead of a click is not a page view yet.
  if (document.prerendering) document.addEventListener('prerenderingchange', start, { once: true })
  else start()
})()
