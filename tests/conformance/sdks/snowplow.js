// A shop's page with Snowplow's browser tracker and its e-commerce plugin; it sends cookies along, as is its default.
import { SnowplowEcommercePlugin, trackAddToCart } from '@snowplow/browser-plugin-snowplow-ecommerce'
import { flushBuffer, newTracker, trackPageView, trackStructEvent } from '@snowplow/browser-tracker'

window.send = async ({ ingest, method }) => {
  newTracker('shop', ingest, { appId: 'demo', eventMethod: method, plugins: [SnowplowEcommercePlugin()] })
  trackPageView()
  const lamp = { id: 'sku-1', name: 'Lamp', price: 25, quantity: 2, currency: 'EUR', category: 'Light' }
  trackAddToCart({ products: [lamp], total_value: 50, currency: 'EUR' })
  trackStructEvent({ category: 'lamps', action: 'Lamp Dimmed', value: 40 })
  // It has no timer of its own: what was refused goes with the next event, or when the page asks for it.
  setInterval(flushBuffer, 1000)
}
