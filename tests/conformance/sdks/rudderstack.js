// A shop's page with RudderStack's JS SDK. `settings` is what the test wants of it: { ingest, transport }.
import { RudderAnalytics } from '@rudderstack/analytics-js/bundled'

window.send = async ({ ingest, transport }) => {
  const analytics = new RudderAnalytics()
  analytics.load('demo', ingest, {
    configUrl: ingest,
    useBeacon: transport === 'beacon',
    beaconQueueOptions: { flushQueueInterval: 300 },
    queueOptions: { batch: { enabled: transport === 'batch', flushInterval: 300 } },
  })
  analytics.page()
  analytics.track('Product Added', { product_id: 'sku-1', name: 'Lamp', price: 25, quantity: 2, currency: 'EUR' })
  analytics.track('Lamp Dimmed', { percent: 40 })
}
