import { Controller } from "@hotwired/stimulus"

export default class ScrollController extends Controller {
  bottom() {}
  async top() {}
}
