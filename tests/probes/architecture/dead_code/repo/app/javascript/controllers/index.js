import { application } from "controllers/application"
import CounterController from "./counter_controller"
application.register("counter", CounterController)
