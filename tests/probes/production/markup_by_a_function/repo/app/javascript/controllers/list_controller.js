import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  bubble(message) { return `<p>${message.content}</p>` }
  safe(message) { return `<p>${escapeHtml(message.content)}</p>` }
  append(message) {
    this.element.innerHTML = this.bubble(message)
    this.element.innerHTML = this.safe(message)
  }
}
