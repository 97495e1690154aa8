import { Application } from "@hotwired/stimulus"
import ScrollController from "./scroll_controller"
const application = Application.start()
application.register("auto-scroll", ScrollController)
