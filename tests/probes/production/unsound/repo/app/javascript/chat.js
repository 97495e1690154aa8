const source = new EventSource("/stream")
source.onmessage = (event) => { list.innerHTML += event.data }
fetch("/chat").then((response) => response.json()).then(({ reply }) => {
  list.innerHTML = marked.parse(reply)
})
element.innerHTML = marked.parse(this.contentValue)
