import { Controller } from "@hotwired/stimulus"

// Grows the text area with its text, sends on Enter and clears it after a turn.
export default class extends Controller {
  static targets = ["input"]

  grow() {
    this.inputTarget.style.height = "auto"
    this.inputTarget.style.height = `${this.inputTarget.scrollHeight}px`
  }

  submit(event) {
    if (event.shiftKey) return
    event.preventDefault()
    this.element.requestSubmit()
  }

  reset(event) {
    if (!event.detail.success) return
    this.element.reset()
    this.grow()
    this.inputTarget.focus()
  }
}
