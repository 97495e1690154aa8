// What the lab's browser learns from inside a page: put into every document before its own scripts run.
// `labTold` is the way to the driver; it outlives the document.
(() => {
  const told = window.labTold
  if (!told || window.__lab) return
  const tell = (what, more = {}) => Promise.resolve(told({ what, ...more })).catch(() => {})

  // A Stimulus controller that connects looks for its targets below its element, whoever bundled it.
  const query = Element.prototype.querySelectorAll
  const connected = new Set()
  Element.prototype.querySelectorAll = function (selector) {
    const found = /^\[data-(.+)-target\]$/.exec(selector)
    const named = found && (this.getAttribute("data-controller") || "").split(/\s+/).includes(found[1])
    if (named && !connected.has(found[1])) {
      connected.add(found[1])
      tell("controller", { id: found[1] })
    }
    return query.call(this, selector)
  }

  document.addEventListener("turbo:before-stream-render", event => {
    const stream = event.target
    tell("stream", { action: stream.getAttribute?.("action"), target: stream.getAttribute?.("target") })
  })
  for (const name of ["turbo:load", "turbo:before-visit", "turbo:submit-end"]) {
    document.addEventListener(name, () => tell("turbo", { event: name }))
  }

  const shown = element => element.checkVisibility?.({ visibilityProperty: true }) ?? true
  const words = element => (element?.innerText || element?.textContent || "").trim().slice(0, 200)
  const attributes = (element, names) => names.map(name => element.getAttribute(name) || "").join(" ")

  // What tells a person what a control is for: its label first, then what is written in and on it.
  const label = element => {
    const described = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean)
    const texts = [...(element.labels || [])].map(words)
    texts.push(...described.map(id => words(document.getElementById(id))))
    return [...texts, attributes(element, ["aria-label"])].join(" ").trim()
  }
  const hints = element => attributes(element, ["placeholder", "title", "name", "id", "data-placeholder"])

  const TYPED = "textarea, input:not([type]), input[type=text], [contenteditable], [role=textbox]"
  const PRESSED = "button, input[type=submit], input[type=button], input[type=image], [role=button]"

  const field = (element, place) => {
    const box = element.getBoundingClientRect()
    const form = element.form || element.closest("form")
    return {
      place,
      kind: element.isContentEditable ? "editable" : element.localName,
      label: label(element),
      hints: hints(element),
      form: form ? attributes(form, ["role", "id", "class", "action", "aria-label"]) : "",
      method: form ? form.method : "",
      visible: shown(element) && box.width > 1 && box.height > 1,
      enabled: !element.disabled && !element.readOnly && element.getAttribute("contenteditable") !== "false",
      value: String(element.value ?? element.innerText ?? "").slice(0, 200),
      width: Math.round(box.width),
      bottom: Math.round(box.bottom),
    }
  }

  const button = (element, place, near) => {
    const box = element.getBoundingClientRect()
    return {
      place,
      label: [label(element), words(element), element.value || ""].join(" ").trim().slice(0, 200),
      hints: attributes(element, ["title", "name", "id", "class"]),
      submits: ["submit", "image"].includes(element.type),
      visible: shown(element) && box.width > 1 && box.height > 1,
      enabled: !element.disabled && element.getAttribute("aria-disabled") !== "true",
      distance: Math.round(Math.hypot(box.right - near.right, box.bottom - near.bottom)),
    }
  }

  // The buttons of its form, or of the nearest surroundings that have any.
  const buttonsOf = element => {
    const form = element.form || element.closest("form")
    const own = form ? [...query.call(form, PRESSED), ...[...form.elements].filter(e => e.matches(PRESSED))] : []
    let around = element.parentElement
    let found = [...new Set(own)]
    for (let steps = 0; !found.length && around && steps < 6; steps += 1, around = around.parentElement) {
      found = [...query.call(around, PRESSED)]
    }
    return found
  }

  Object.defineProperty(window, "__lab", {
    value: {
      text: () => document.body?.innerText || "",
      fields: () => [...document.querySelectorAll(TYPED)],
      fieldFacts: elements => elements.map(field),
      buttons: buttonsOf,
      buttonFacts: (elements, composer) => {
        const near = composer.getBoundingClientRect()
        return elements.map((element, place) => button(element, place, near))
      },
      controllers: () => ({
        named: [...new Set([...document.querySelectorAll("[data-controller]")].flatMap(
          element => element.getAttribute("data-controller").split(/\s+/).filter(Boolean)))],
        connected: [...connected],
      }),
      overflow: () => document.documentElement.scrollWidth - window.innerWidth,
    },
  })
})()
