const ICONS = { ok: "<svg></svg>", bad: "<svg class='bad'></svg>" }

export function toast(message, kind = "ok") {
  const element = document.createElement("div")
  element.innerHTML = `${ICONS[kind]}<p>${message}</p>`
  document.body.append(element)
}
