import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  static targets = ["messages", "form", "input", "button"]
  static values = { url: String }

  connect() {
    this.scroll()
    this.inputTarget.focus()
  }

  async send(event) {
    event.preventDefault()
    const text = this.inputTarget.value.trim()
    if (text === "") return

    this.addBubble("user", text)
    this.inputTarget.value = ""
    this.setBusy(true)
    const pending = this.addBubble("assistant", "<em>Thinking...</em>")

    try {
      const response = await fetch(this.urlValue, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Accept": "application/json",
          "X-CSRF-Token": this.csrfToken()
        },
        body: JSON.stringify({ message: text })
      })
      const data = await response.json()
      pending.innerHTML = this.format(data.reply)
    } catch (error) {
      console.error(error)
      pending.innerHTML = "Something went wrong."
    } finally {
      this.setBusy(false)
      this.scroll()
      this.inputTarget.focus()
    }
  }

  addBubble(role, html) {
    const row = document.createElement("div")
    row.className = role === "user" ? "flex justify-end" : "flex justify-start"
    const color = role === "user" ? "bg-emerald-700" : "bg-gray-800"
    row.innerHTML = `<div class="${color} max-w-[80%] rounded-2xl px-4 py-2">${html}</div>`
    this.messagesTarget.appendChild(row)
    this.scroll()
    return row.firstElementChild
  }

  format(text) {
    return text
      .replace(/```([\s\S]*?)```/g, "<pre class=\"bg-black p-2\">$1</pre>")
      .replace(/`([^`]+)`/g, "<code>$1</code>")
      .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
      .replace(/\n/g, "<br>")
  }

  setBusy(busy) {
    this.buttonTarget.disabled = busy
    this.inputTarget.disabled = busy
    this.buttonTarget.textContent = busy ? "..." : "Send"
  }

  scroll() {
    this.messagesTarget.scrollTop = this.messagesTarget.scrollHeight
  }

  csrfToken() {
    const tag = document.querySelector("meta[name='csrf-token']")
    return tag ? tag.content : ""
  }
}
