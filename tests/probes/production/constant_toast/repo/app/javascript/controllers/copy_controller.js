import { Controller } from "@hotwired/stimulus"

import { toast } from "../toast"

export default class extends Controller {
  static values = { loadingText: String }
  copy() {
    this.element.innerHTML = `<b>${this.loadingTextValue}</b>`
    toast("Copied!")
  }
}
