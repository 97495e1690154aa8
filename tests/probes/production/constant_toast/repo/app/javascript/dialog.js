export function ask(data) {
  title.innerHTML = data.body || "Are you sure?"
}
