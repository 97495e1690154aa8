import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  inherited() { this.panelTarget.hidden = true }
}
