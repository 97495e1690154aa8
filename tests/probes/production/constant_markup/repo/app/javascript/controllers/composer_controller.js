import { Controller } from "@hotwired/stimulus"
import { ClientMessage } from "models/client_message"

const LABELS = { text: "<b>Send</b>", message: "<i>Wait</i>" }
const chunks = ["one", "two"]

export default class extends Controller {
  static values = { loadingText: { type: String, default: "Sending" } }
  static emptyMessage = "<p>Nothing yet</p>"
  sentText = "<p>Sent</p>"

  get failedText() { return "<p>Failed</p>" }

  show(text = "Sending") { this.element.innerHTML = text }

  reset() {
    this.messageTarget.innerHTML = ""
    this.contentTarget.innerHTML = ``
    this.element.innerHTML = this.constructor.emptyMessage
    this.element.innerHTML = this.sentText
    this.element.innerHTML = this.failedText
    this.element.innerHTML = LABELS.message
    this.element.innerHTML = this.loadingTextValue
    this.element.innerHTML = chunks.map((text) => `<li>${text}</li>`).join("")
    this.show()
  }

  append(id) {
    const message = new ClientMessage(this.templateTarget).render(id)
    this.element.insertAdjacentHTML("beforeend", message)
  }
}
