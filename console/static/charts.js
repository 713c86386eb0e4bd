// Small charts in SVG. Each takes a container and figures, and draws itself anew.
// Colours are classes of console.css, so that a chart follows light and dark by itself.

import { h, reconcile, setText, svg } from './dom.js'
import { count, percent, time, timeWithSeconds } from './format.js'

const BOTTOM = 18
const niceCeiling = (value) => {
  if (value <= 4) return 4
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 5, 8, 10].map((step) => step * power).find((step) => step >= value)
}

// Keeps the last figures of a container, to draw again when its size changes.
const drawings = new WeakMap()
const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => drawings.get(target)?.()))
const draw = (container, paint) => {
  if (!drawings.has(container)) resized.observe(container)
  const again = () => {
    const { clientWidth: width, clientHeight: height } = container
    if (width && height) container.replaceChildren(...paint(width, height).filter(Boolean))
  }
  drawings.set(container, again)
  again()
}

const isEmpty = (container, empty, words) => {
  container.classList.toggle('is-empty', empty)
  container.dataset.empty = words
  if (empty) {
    container.replaceChildren()
    drawings.delete(container)
  }
  return empty
}

const path = (points) => points.map(([x, y], at) => `${at ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')

const readings = (width) => {
  const box = h('div', { class: 'tip', hidden: true })
  return {
    box,
    show: (x, lines) => {
      box.replaceChildren(...lines.map((line) => h('div', {}, line)))
      box.hidden = false
      box.style.left = `${Math.max(0, Math.min(width - box.offsetWidth, x > width / 2 ? x - box.offsetWidth - 10 : x + 10))}px`
    },
    hide: () => (box.hidden = true),
  }
}

// Sessions of each minute as an area, those that bought as columns below it.
export const minutesChart = (container, minutes) => {
  if (isEmpty(container, !minutes.some((m) => m.sessions), 'No session started in the last hour.')) return
  draw(container, (width, height) => {
    const left = 26
    const base = height - BOTTOM
    const top = niceCeiling(Math.max(...minutes.map((m) => m.sessions)))
    const step = (width - left) / (minutes.length - 1)
    const x = (at) => left + at * step
    const y = (value) => base - (value / top) * (base - 6)
    // The running minute is not over: a line down to it would look like a fall that nobody had.
    const last = minutes.length - (minutes.at(-1).sessions < minutes.at(-2).sessions ? 2 : 1)
    const points = minutes.slice(0, last + 1).map((m, at) => [x(at), y(m.sessions)])
    const line = svg('line', { class: 'hover-line', y1: 0, y2: base, visibility: 'hidden' })
    const tip = readings(width)
    const chart = svg(
      'svg',
      { role: 'img', 'aria-label': 'Sessions started in each of the last 60 minutes, and those that bought since' },
      [0, 0.5, 1].map((part) => [
        svg('line', { class: 'grid', x1: left, x2: width, y1: y(top * part), y2: y(top * part) }),
        svg('text', { x: left - 7, y: y(top * part) + 4, 'text-anchor': 'end' }, count(top * part)),
      ]),
      minutes.map((m, at) => {
        const minute = new Date(m.minute)
        const isMark = minute.getMinutes() % 15 === 0 && x(at) > left + 14 && x(at) < width - 14
        return isMark && svg('text', { x: x(at), y: height - 2, 'text-anchor': 'middle' }, time(minute))
      }),
      minutes.map((m, at) => {
        const wide = Math.max(2, Math.min(7, step * 0.55))
        return m.converted_sessions > 0 && svg('rect', { class: 'column', x: x(at) - wide / 2, y: y(m.converted_sessions), width: wide, height: base - y(m.converted_sessions), rx: Math.min(2, wide / 2) })
      }),
      svg('path', { class: 'area', d: `${path(points)}L${x(last).toFixed(1)} ${base}L${left} ${base}Z` }),
      svg('path', { class: 'line', d: path(points) }),
      line,
    )
    chart.addEventListener('pointermove', (event) => {
      const at = Math.round((event.clientX - chart.getBoundingClientRect().left - left) / step)
      const m = minutes[Math.max(0, Math.min(minutes.length - 1, at))]
      const where = x(minutes.indexOf(m))
      for (const end of ['x1', 'x2']) line.setAttribute(end, where)
      line.setAttribute('visibility', 'visible')
      tip.show(where, [time(m.minute), `${count(m.sessions)} started`, `${count(m.converted_sessions)} bought since`, `${count(m.events)} events`])
    })
    chart.addEventListener('pointerleave', () => {
      line.setAttribute('visibility', 'hidden')
      tip.hide()
    })
    return [chart, tip.box]
  })
}

// How many sessions lie in each tenth of likelihood.
export const likelihoodChart = (container, tenths) => {
  if (isEmpty(container, !tenths.some(Boolean), 'No session in progress has a score.')) return
  draw(container, (width, height) => {
    const base = height - BOTTOM
    const top = Math.max(...tenths)
    const step = width / tenths.length
    return [
      svg(
        'svg',
        { role: 'img', 'aria-label': 'Sessions in progress by likelihood to buy' },
        tenths.map((sessions, at) => {
          const tall = sessions ? Math.max(3, (sessions / top) * (base - 18)) : 0
          return [
            svg('rect', { class: 'bin', vars: { '--p': `${at * 10 + 5}%` }, x: at * step + 1.5, y: base - tall, width: step - 3, height: tall, rx: 3 }),
            sessions > 0 && svg('text', { x: (at + 0.5) * step, y: base - tall - 5, 'text-anchor': 'middle' }, count(sessions)),
          ]
        }),
        svg('line', { class: 'grid', x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5 }),
        [0, 0.5, 1].map((part) => svg('text', { x: part * width, y: height - 2, 'text-anchor': part === 0 ? 'start' : part === 1 ? 'end' : 'middle' }, percent(part))),
      ),
    ]
  })
}

// Rows of [name, value, share 0 to 1, note, class].
export const barsChart = (container, rows, words) => {
  if (isEmpty(container, !rows.some((row) => row.value), words)) return
  reconcile(
    container,
    rows,
    (row) => row.name,
    () => h('div', { class: 'bar-row' }, h('span', { class: 'name' }), h('span', { class: 'value' }, '', h('b')), h('span', { class: 'track' }, h('i'))),
    (element, row) => {
      const [name, value, track] = element.children
      setText(name, row.name)
      if (value.firstChild.data !== row.note) value.firstChild.data = row.note
      setText(value.lastChild, row.words ?? count(row.value))
      track.firstChild.style.setProperty('--w', `${(row.share * 100).toFixed(1)}%`)
      element.className = `bar-row ${row.tone ?? ''}`
    },
  )
}

export const sparkline = (container, values) => {
  if (values.length < 2) return
  draw(container, (width, height) => {
    const top = Math.max(1, ...values)
    const points = values.map((value, at) => [(at / (values.length - 1)) * width, height - 1.5 - (value / top) * (height - 4)])
    return [svg('svg', { 'aria-hidden': 'true' }, svg('path', { class: 'line', d: path(points) }))]
  })
}

// One session's likelihood over time: a dot for each decision, a mark below for each event.
export const curveChart = (container, decisions, events) => {
  if (isEmpty(container, !decisions.length, 'No decision was made for this session yet.')) return
  draw(container, (width, height) => {
    const left = 38
    const right = 12
    const base = height - BOTTOM - 14
    const moments = [...decisions, ...events].map((each) => new Date(each.occurred_at).getTime())
    const from = Math.min(...moments)
    const span = Math.max(1000, Math.max(...moments) - from)
    const x = (at) => left + ((new Date(at).getTime() - from) / span) * (width - left - right)
    const y = (p) => base - p * (base - 8)
    const points = decisions.map((d) => [x(d.occurred_at), y(d.likelihood)])
    // A likelihood holds until the next decision, so the line goes in steps.
    const steps = points.flatMap(([px, py], at) => (at ? [[px, points[at - 1][1]], [px, py]] : [[px, py]]))
    const [last] = steps.slice(-1)
    steps.push([width - right, last[1]])
    const tip = readings(width)
    const line = svg('line', { class: 'hover-line', y1: 0, y2: base, visibility: 'hidden' })
    const marks = Math.max(2, Math.floor(width / 150))
    const chart = svg(
      'svg',
      { role: 'img', 'aria-label': 'Likelihood to buy after each event' },
      [0, 0.25, 0.5, 0.75, 1].map((p) => [
        svg('line', { class: 'grid', x1: left, x2: width - right, y1: y(p), y2: y(p) }),
        p % 0.5 === 0 && svg('text', { x: left - 8, y: y(p) + 4, 'text-anchor': 'end' }, percent(p)),
      ]),
      Array.from({ length: marks + 1 }, (_, at) => {
        const where = left + (at / marks) * (width - left - right)
        return svg('text', { x: where, y: height - 2, 'text-anchor': at === 0 ? 'start' : at === marks ? 'end' : 'middle' }, timeWithSeconds(from + (at / marks) * span))
      }),
      events.map((e) => e.kind === 'purchase' && svg('line', { class: 'buy-line', x1: x(e.occurred_at), x2: x(e.occurred_at), y1: 4, y2: base })),
      svg('path', { class: 'area', d: `${path(steps)}L${width - right} ${base}L${steps[0][0].toFixed(1)} ${base}Z` }),
      svg('path', { class: 'line', d: path(steps) }),
      events.map((e) => svg('line', { class: `rug rug-${e.kind}`, x1: x(e.occurred_at), x2: x(e.occurred_at), y1: base + 4, y2: base + 12 })),
      points.map(([px, py], at) => svg('circle', { class: decisions[at].is_offered ? 'dot dot-offer' : 'dot', cx: px, cy: py, r: decisions[at].is_offered ? 4 : 3 })),
      line,
    )
    chart.addEventListener('pointermove', (event) => {
      const pointer = event.clientX - chart.getBoundingClientRect().left
      const near = points.reduce((best, point, at) => (Math.abs(point[0] - pointer) < Math.abs(points[best][0] - pointer) ? at : best), 0)
      const decision = decisions[near]
      for (const end of ['x1', 'x2']) line.setAttribute(end, points[near][0])
      line.setAttribute('visibility', 'visible')
      tip.show(points[near][0], [timeWithSeconds(decision.occurred_at), `${percent(decision.likelihood, 1)} likely to buy`, `after ${count(decision.event_count)} events`])
    })
    chart.addEventListener('pointerleave', () => {
      line.setAttribute('visibility', 'hidden')
      tip.hide()
    })
    return [chart, tip.box]
  })
}
