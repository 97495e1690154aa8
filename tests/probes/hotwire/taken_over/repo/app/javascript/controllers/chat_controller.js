import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  async send(event) {
    event.preventDefault()
    const response = await fetch("/messages", { method: "POST", body: new FormData(event.target) })
    const data = await response.json()
    this.listTarget.insertAdjacentHTML("beforeend", `<p>${data.reply}</p>`)
  }
}
