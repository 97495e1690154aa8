import { toast } from "./toast"

fetch("/messages").then((response) => response.json()).then((data) => toast(data.reply))
