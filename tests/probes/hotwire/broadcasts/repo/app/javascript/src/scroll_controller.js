import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  static targets = ["input"]

  submitOnEnter(event) {
    event.preventDefault()
    this.element.requestSubmit()
  }
}
