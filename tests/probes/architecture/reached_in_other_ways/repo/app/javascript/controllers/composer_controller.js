import GrowerController from "controllers/grower_controller"

export default class extends GrowerController {
  connect() { this.element.focus() }
}
