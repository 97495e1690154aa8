import { Controller } from "@hotwired/stimulus"

// Keeps the newest message in sight.
export default class extends Controller {
  connect() {
    this.observer = new MutationObserver(() => this.scrollToEnd())
    this.observer.observe(this.element, { childList: true, subtree: true, attributeFilter: ["hidden"] })
    this.scrollToEnd()
  }

  disconnect() {
    this.observer.disconnect()
  }

  scrollToEnd() {
    this.element.scrollTop = this.element.scrollHeight
  }
}
