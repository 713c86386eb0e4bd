// A shop's server: sends three events with one Node SDK to every ingest it is told of, and stays until its stdin closes.
// Usage: node send.cjs FOLDER_OF_THE_SDKS SDK INGEST_URL…
const { createRequire } = require('node:module')

const [folder, sdk, ...urls] = process.argv.slice(2)
const load = createRequire(`${folder}/package.json`)
const anonymousId = 'visitor-1'
const item = { product_id: 'sku-1', name: 'Lamp', price: 25, quantity: 2, currency: 'EUR' }

const clients = {
  'segment-node': (url) => {
    const { Analytics } = load('@segment/analytics-node')
    const analytics = new Analytics({ writeKey: 'demo', host: url, flushAt: 1 })
    analytics.on('error', () => {})
    return analytics
  },
  'rudderstack-node': (url) => {
    const Analytics = load('@rudderstack/rudder-sdk-node')
    return new Analytics('demo', { dataPlaneUrl: url, flushAt: 1, logLevel: 'none', errorHandler: () => {} })
  },
}

for (const url of urls) {
  const analytics = clients[sdk](url)
  analytics.page({ anonymousId, properties: { url: 'https://shop.example/lamps' } })
  analytics.track({ anonymousId, event: 'Product Added', properties: item })
  analytics.track({ anonymousId, event: 'Lamp Dimmed', properties: { percent: 40 } })
}
process.stdin.on('close', () => process.exit(0)).resume()
