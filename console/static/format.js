// Numbers, times and names the way people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const cents = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const clockSeconds = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const day = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })

export const NONE = '–'

export const count = (n) => (n === null || n === undefined ? NONE : Math.abs(n) < 100_000 ? whole.format(n) : short.format(n))
// "1 event", "2 events"
export const many = (n, one, more = `${one}s`) => `${count(n)} ${n === 1 ? one : more}`
export const money = (n) => (n === null || n === undefined ? NONE : n >= 100_000 ? short.format(n) : n >= 1000 ? whole.format(n) : cents.format(n))
export const percent = (p, digits = 0) => (p === null || p === undefined ? NONE : `${(p * 100).toFixed(digits)}%`)
export const rate = (n) => (n === null || n === undefined ? NONE : n >= 100 ? count(n) : n.toFixed(1))
export const milliseconds = (s) =>
  s === null || s === undefined ? NONE : s < 1 ? `${Math.round(s * 1000)} ms` : s < 120 ? `${s.toFixed(1)} s` : duration(s)

export const time = (at) => clock.format(new Date(at))
export const timeWithSeconds = (at) => clockSeconds.format(new Date(at))
export const date = (at) => day.format(new Date(at))

export const duration = (seconds) => {
  if (seconds === null || seconds === undefined) return NONE
  const s = Math.max(0, Math.round(seconds))
  if (s < 60) return `${s} s`
  if (s < 3600) return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  return `${Math.floor(s / 86_400)} d`
}

export const ago = (at, now) => {
  const s = Math.max(0, Math.round((now - new Date(at)) / 1000))
  if (s < 3) return 'now'
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 86_400) return `${Math.floor(s / 3600)} h`
  return `${Math.floor(s / 86_400)} d`
}

// Ids and paths can be as long as a stranger likes.
export const clip = (text, most) => {
  const characters = [...String(text)]
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : characters.join('')
}

const PERSONAS = { 'VIP Loyalist': 'vip', 'Research Shopper': 'research', 'Quick Buyer': 'quick', Browser: 'browser', 'Casual Visitor': 'casual' }
export const personaClass = (persona) => `persona-${Object.hasOwn(PERSONAS, persona) ? PERSONAS[persona] : 'none'}`

const INCENTIVES = {
  discount: 'Discount',
  loyalty_points: 'Loyalty points',
  urgency: 'Urgency',
  free_shipping: 'Free shipping',
  tutorial: 'Tutorial',
  simplified_checkout: 'Simple checkout',
}
export const incentiveName = (type) => (Object.hasOwn(INCENTIVES, type) ? INCENTIVES[type] : type)

const EVENTS = {
  page_view: ['Viewed a page', 'page'],
  view_item_list: ['Looked through a list', 'page'],
  select_item: ['Picked a product', 'item'],
  view_item: ['Viewed a product', 'item'],
  search: ['Searched', 'search'],
  add_to_cart: ['Added to cart', 'cart'],
  remove_from_cart: ['Removed from cart', 'cart'],
  view_cart: ['Looked at the cart', 'cart'],
  add_to_wishlist: ['Added to wishlist', 'item'],
  begin_checkout: ['Began checkout', 'checkout'],
  add_shipping_info: ['Gave shipping details', 'checkout'],
  add_payment_info: ['Gave payment details', 'checkout'],
  purchase: ['Purchased', 'purchase'],
  refund: ['Was refunded', 'checkout'],
  view_promotion: ['Saw a promotion', 'promotion'],
  select_promotion: ['Picked a promotion', 'promotion'],
  coupon_applied: ['Applied a coupon', 'promotion'],
  user_engagement: ['Engaged with the page', 'quiet'],
  click: ['Clicked', 'quiet'],
  identify: ['Was identified', 'quiet'],
  incentive_shown: ['Saw the incentive', 'promotion'],
  incentive_accepted: ['Accepted the incentive', 'promotion'],
  incentive_dismissed: ['Dismissed the incentive', 'promotion'],
}
// [what to call the event, which kind of mark it gets]; a custom event keeps its own name.
export const eventWords = (name) => (Object.hasOwn(EVENTS, name) ? EVENTS[name] : [name, 'custom'])
