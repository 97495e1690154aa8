import { Controller } from "@hotwired/stimulus"
import DOMPurify from "dompurify"
import { marked } from "marked"

export default class extends Controller {
  async load() {
    const response = await fetch("/messages")
    const html = await response.text()
    this.listTarget.insertAdjacentHTML("beforeend", html)
    this.formTarget.innerHTML = ""
    this.replyTarget.innerHTML = DOMPurify.sanitize(marked.parse(this.buffer))
    this.add("user", "<em>typing</em>")
    this.noteTarget.innerHTML = this.shown(response.reply)
  }

  copy() {
    this.originalText = this.buttonTarget.innerHTML
    this.buttonTarget.innerHTML = "Copied"
    this.buttonTarget.innerHTML = this.originalText
    this.listTarget.innerHTML = this.cardTemplate.content
  }

  add(role, content) {
    this.listTarget.innerHTML += `<p class="${role}">${content}</p>`
  }

  shown(text) {
    return text.replace(/</g, "&lt;").replace(/\n/g, "<br>")
  }
}
