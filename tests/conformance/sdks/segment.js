// A shop's page with analytics.js. `settings` is what the test wants of it: { ingest, strategy }.
import { AnalyticsBrowser } from '@segment/analytics-next'

window.send = async ({ ingest, strategy }) => {
  const deliveryStrategy = strategy === 'batching' ? { strategy, config: { size: 10, timeout: 300 } } : undefined
  // Only where the settings are is said; where the events go is in the settings.
  const analytics = AnalyticsBrowser.load(
    { writeKey: 'demo', cdnURL: ingest },
    { integrations: { 'Segment.io': { deliveryStrategy } } },
  )
  analytics.page()
  analytics.track('Product Added', { product_id: 'sku-1', name: 'Lamp', price: 25, quantity: 2, currency: 'EUR' })
  analytics.track('Lamp Dimmed', { percent: 40 })
}
