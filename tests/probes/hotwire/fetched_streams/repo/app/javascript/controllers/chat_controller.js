import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  async send(event) {
    event.preventDefault()
    const response = await fetch("/messages", { method: "POST", headers: { Accept: "text/vnd.turbo-stream.html" } })
    Turbo.renderStreamMessage(await response.text())
    this.statusTarget.textContent = response.statusText
  }
}
