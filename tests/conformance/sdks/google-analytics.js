// A shop's page with an independent browser client of Google Analytics 4; gtag.js itself is not on npm.
import { track } from '@minimal-analytics/ga4'

window.send = async ({ ingest }) => {
  window.minimalAnalytics = { trackingId: 'demo', analyticsEndpoint: `${ingest}/g/collect` }
  track()
  const lamp = { cu: 'EUR', 'epn.value': 50, pr1: 'idsku-1~nmLamp~pr25~qt2' }
  track({ type: 'add_to_cart', event: lamp })
  track({ type: 'Lamp Dimmed', event: { 'epn.percent': 40 } })
}
