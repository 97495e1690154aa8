import { Controller } from "@hotwired/stimulus"

// Copies a reply to the clipboard.
export default class extends Controller {
  static targets = ["source", "button"]

  async copy() {
    await navigator.clipboard.writeText(this.sourceTarget.innerText)
    this.buttonTarget.textContent = "Copied"
    setTimeout(() => { this.buttonTarget.textContent = "Copy" }, 1500)
  }
}
