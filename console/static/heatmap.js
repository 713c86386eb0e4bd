// The heatmap: asks for one page's clicks and draws them on a sheet of its proportions.

import { ask } from './ask.js'
import { $, h, setText } from './dom.js'
import { clip, count, duration, many, NONE, percent } from './format.js'

const WIDTHS = { mobile: 390, tablet: 820 } // CSS pixels that a page of the device is usually wide
const USUAL_WIDTH = 1280
const DEVICES = ['desktop', 'mobile', 'tablet']
const MOST_HEIGHT = 12_000 // a browser draws no canvas of any size
// Cold to hot, at the share of the hottest place that each begins with.
const RAMP = [[0, [70, 105, 220]], [0.35, [40, 190, 190]], [0.6, [120, 205, 80]], [0.8, [250, 200, 50]], [1, [225, 55, 40]]]

let answer, screenshot, asked = 0

const colours = (() => {
  const table = new Uint8ClampedArray(256 * 3)
  for (let at = 0; at < 256; at++) {
    const share = at / 255
    const next = Math.max(1, RAMP.findIndex(([from]) => from >= share))
    const [[from, a], [to, b]] = [RAMP[next - 1], RAMP[next]]
    for (let part = 0; part < 3; part++) table[at * 3 + part] = a[part] + ((b[part] - a[part]) * (share - from)) / (to - from)
  }
  return table
})()

const hue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name)

const drawPaper = (context, width, height, scale) => {
  context.fillStyle = hue('--card')
  context.fillRect(0, 0, width, height)
  if (screenshot) {
    context.globalAlpha = 0.75
    context.drawImage(screenshot, 0, 0, width, (screenshot.height * width) / screenshot.width)
    context.globalAlpha = 1
    return
  }
  context.fillStyle = hue('--faint')
  context.strokeStyle = hue('--line')
  context.font = '11px sans-serif'
  for (let y = 500; y * scale < height; y += 500) {
    context.beginPath()
    context.moveTo(0, y * scale)
    context.lineTo(width, y * scale)
    context.stroke()
    context.fillText(`${y} px`, 8, y * scale - 5)
  }
}

// Clicks become heat: soft dots that add up in the alpha channel, then a colour for each alpha.
const drawHeat = (context, width, height, scale) => {
  const layer = new OffscreenCanvas(width, height)
  const radius = Math.max(8, Math.min(22, width / 44))
  const heat = layer.getContext('2d', { willReadFrequently: true })
  const most = Math.max(...answer.spots.map((spot) => spot.clicks))
  for (const { x, y, clicks } of answer.spots) {
    const [left, top] = [x * width, y * scale]
    const dot = heat.createRadialGradient(left, top, 0, left, top, radius)
    // By the root: one place that everybody clicks would leave the others unseen.
    dot.addColorStop(0, `rgb(0 0 0 / ${Math.max(0.12, Math.sqrt(clicks / most))})`)
    dot.addColorStop(1, 'rgb(0 0 0 / 0)')
    heat.fillStyle = dot
    heat.fillRect(left - radius, top - radius, 2 * radius, 2 * radius)
  }
  const image = heat.getImageData(0, 0, width, height)
  const { data } = image
  for (let at = 3; at < data.length; at += 4) {
    const alpha = data[at]
    if (!alpha) continue
    data.set(colours.subarray(alpha * 3, alpha * 3 + 3), at - 3)
    data[at] = Math.min(235, 60 + alpha)
  }
  heat.putImageData(image, 0, 0)
  context.drawImage(layer, 0, 0)
}

// A ring that is seen on any colour.
const drawRage = (context, width, scale) => {
  for (const { x, y, rage_clicks } of answer.spots) {
    if (!rage_clicks) continue
    for (const [line, colour] of [[4, hue('--card')], [2, hue('--bad')]]) {
      context.beginPath()
      context.arc(x * width, y * scale, 11, 0, 2 * Math.PI)
      context.lineWidth = line
      context.strokeStyle = colour
      context.stroke()
    }
  }
}

const drawDepths = (height) => {
  const steps = answer.seen.length - 1
  if (steps < 1) return $('depths').replaceChildren()
  const marks = []
  for (let step = 1; step <= steps; step++) {
    const top = ((step - 1) / steps) * height
    const seen = answer.seen[step]
    const vars = { '--top': `${top}px`, '--h': `${height / steps + 1}px`, '--w': percent(seen, 1), '--tint': percent(seen / 2, 1) }
    marks.push(h('i', { vars, title: `${percent(seen)} of visits saw the first ${percent(step / steps)} of the page` }))
    if (step % 4 === 0) marks.push(h('span', { vars }, percent(seen), h('small', {}, 'saw this')))
  }
  $('depths').replaceChildren(...marks)
}

const drawSheet = () => {
  const canvas = $('canvas')
  const width = Math.round(canvas.clientWidth)
  if (!answer || !width) return
  const scale = width / (WIDTHS[$('device').value] ?? USUAL_WIDTH)
  const lowest = Math.max(0, ...answer.spots.map((spot) => spot.y))
  const pageHeight = Math.max(100, answer.page_height_px || Math.max(lowest, 600)) // senders say anything
  const height = Math.round(Math.min(MOST_HEIGHT, pageHeight * scale))
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  drawPaper(context, width, height, scale)
  if (answer.spots.length) drawHeat(context, width, height, scale)
  drawRage(context, width, scale)
  drawDepths(height)
}

const share = (part, whole) => [count(part), whole ? h('small', {}, ` ${percent(part / whole)}`) : null]

const row = (name, value) => [h('span', { class: 'name', title: clip(name, 300) }, clip(name, 120)), h('span', { class: 'value' }, value)]

const drawAnswer = () => {
  const { path, pages, clicks, sessions, active_s, dead_clicks, rage_clicks, elements } = answer
  const isNone = pages.length === 0 && !answer.device_type
  $('none').hidden = !isNone
  $('map').hidden = isNone
  setText($('map-title'), clip(path ?? 'No page', 80))
  setText($('map-count'), `${many(clicks, 'click')} by ${many(sessions, 'session')}`)
  $('canvas').setAttribute('aria-label', `Clicks on ${clip(path ?? '', 80)}`)
  setText($('sessions'), count(sessions))
  setText($('active'), active_s === null ? NONE : duration(active_s))
  $('dead').replaceChildren(...share(dead_clicks, clicks).filter(Boolean))
  $('rage').replaceChildren(...share(rage_clicks, clicks).filter(Boolean))
  $('pages').replaceChildren(
    ...pages.map((page) => h('li', {}, h('a', { href: addressOf(page.path), 'aria-current': page.path === path && 'page' }, row(page.path, count(page.clicks))))),
  )
  $('elements').replaceChildren(
    ...elements.map((each) =>
      h('li', {}, h('div', {}, h('code', { class: 'name', title: each.element }, each.element), h('span', { class: 'value' }, each.rage_clicks > 0 && h('b', {}, `${count(each.rage_clicks)} rage · `), count(each.clicks)))),
    ),
  )
  $('elements-empty').hidden = elements.length > 0
  drawSheet()
}

const addressOf = (path) => {
  const query = new URLSearchParams({ path, days: $('days').value, device_type: $('device').value })
  return `/heatmap?${query}`
}

// Without a choice, the page and device that say most: pages are laid out by device, and all at once fit nowhere.
const chosen = async (query) => {
  let found
  for (const device of query.has('device_type') ? [query.get('device_type')] : [...DEVICES, '']) {
    query.set('device_type', device)
    found = await ask(`/api/heatmap?${query}`)
    if (found.pages.length) break
  }
  if (query.get('path') || !found.pages.length) return found
  query.set('path', found.pages[0].path)
  return ask(`/api/heatmap?${query}`)
}

const show = async () => {
  const run = ++asked
  setText($('link'), 'Loading')
  const query = new URLSearchParams(location.search)
  if (!query.get('days')) query.set('days', 7)
  try {
    const found = await chosen(query)
    if (run !== asked) return
    history.replaceState(null, '', `/heatmap?${query}`)
    $('device').value = query.get('device_type')
    $('days').value = query.get('days')
    answer = found
    $('trouble').hidden = true
    $('link').className = 'link'
    setText($('link'), `Last ${many(answer.days, 'day')}`)
    drawAnswer()
  } catch (error) {
    if (run !== asked) return
    $('trouble').hidden = false
    setText($('trouble'), error instanceof TypeError ? 'The console does not answer; load the page again when it runs.' : error.message)
    $('link').className = 'link is-lost'
    setText($('link'), 'Not loaded')
  }
}

const go = (address) => {
  history.pushState(null, '', address)
  show()
}

const pathShown = () => new URLSearchParams(location.search).get('path') ?? ''

for (const id of ['device', 'days']) $(id).addEventListener('change', () => go(addressOf(pathShown())))
$('pages').addEventListener('click', (event) => {
  const link = event.target.closest('a')
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  go(link.getAttribute('href'))
})
$('shot').addEventListener('change', async ({ target }) => {
  const [file] = target.files
  try {
    screenshot = file && (await createImageBitmap(file)) // stays in this browser
    setText($('shot-name'), file ? clip(file.name, 24) : 'Lay over a screenshot')
  } catch {
    setText($('shot-name'), 'Not an image')
  }
  drawSheet()
})
addEventListener('popstate', show)
new ResizeObserver(() => $('canvas').width !== Math.round($('canvas').clientWidth) && drawSheet()).observe($('sheet'))
show()
