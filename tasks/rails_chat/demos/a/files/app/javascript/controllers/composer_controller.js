import { Controller } from "@hotwired/stimulus"

// The composer: Enter sends, the user's text shows at once, and it comes back into the box when the turn failed.
export default class extends Controller {
  static targets = ["form", "input", "pending", "pendingText"]

  sendOnEnter(event) {
    if (event.shiftKey || event.isComposing) return

    event.preventDefault()
    this.send()
  }

  suggest({ params: { text } }) {
    this.inputTarget.value = text
    this.send()
  }

  send() {
    if (!this.draft) this.formTarget.requestSubmit()
  }

  start() {
    this.draft = this.inputTarget.value
    this.inputTarget.value = ""
    this.pendingTextTarget.textContent = this.draft
    this.pendingTarget.hidden = false
  }

  finish({ detail: { success } }) {
    if (!success) this.inputTarget.value = this.draft
    this.draft = null
    this.pendingTarget.hidden = true
    this.inputTarget.focus()
  }
}
