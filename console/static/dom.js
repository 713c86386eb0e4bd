// Builds elements. Text only ever becomes a text node: what we show was typed by strangers.

const SVG = 'http://www.w3.org/2000/svg'

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener)
    else if (name === 'vars') for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue
    element.append(child instanceof Node ? child : document.createTextNode(String(child)))
  }
  return element
}

export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children)

export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children)

export const $ = (id) => document.getElementById(id)

// Sets text only when it changed, so that a selection on the page survives the next refresh.
export const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text
}

// Puts `items` into `parent` in their order, reusing the element of each key: rows keep focus, hover and animations.
export const reconcile = (parent, items, keyOf, create, update) => {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]))
  let at = parent.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    let element = known.get(key)
    if (element) known.delete(key)
    else {
      element = create(item)
      element.dataset.key = key
    }
    update(element, item)
    if (element === at) at = at.nextElementSibling
    else parent.insertBefore(element, at)
  }
  for (const element of known.values()) element.remove()
}
