import { Controller } from "@hotwired/stimulus"

import { useHover } from "stimulus-use"

export default class extends Controller {
  connect() { useHover(this) }
}
