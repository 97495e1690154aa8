export function toast(message) {
  element.innerHTML = `<p>${message}</p>`
}
