// What others looked at with this. The console knows items by their ids only; the shop draws them from its own catalogue.
(() => {
  const place = document.querySelector('[data-also]')
  if (!place) return
  const { tell, enliven } = window.shop
  const SHOWN = 4
  const onPage = new Set([...document.querySelectorAll('main a[href^="/products/"]')].map((link) => link.pathname.slice(10)))
  const { also: item_id } = place.dataset

  const draw = async ({ basis, items }) => {
    const ids = items.map((item) => item.item_id).filter((id) => !onPage.has(id))
    if (!ids.length) return
    try {
      const query = new URLSearchParams([['basis', basis], ...ids.slice(0, SHOWN).map((id) => ['item', id])])
      const answer = await fetch(`/also?${query}`)
      if (answer.status !== 200) return // none of them is in the catalogue
      place.innerHTML = await answer.text()
      enliven(place)
      place.hidden = false
    } catch {} // the page is whole without it
  }

  tell('recommend', { limit: 12, ...(item_id && { item_id }) }, draw)
})()
