// Asks the console's API. Throws what a person can read.

export const ask = async (url) => {
  const answer = await fetch(url, { headers: { accept: 'application/json' } })
  if (answer.ok) return answer.json()
  const problem = await answer.json().catch(() => ({}))
  throw new Error(problem.message ?? `${url} answered ${answer.status}`)
}
