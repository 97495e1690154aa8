import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  static targets = ["input"]
  send = () => this.clear()
  clear() { if (this.hasInputTarget) this.inputTargets.forEach((input) => (input.value = "")) }
  inputTargetConnected(input) { input.focus() }
}
