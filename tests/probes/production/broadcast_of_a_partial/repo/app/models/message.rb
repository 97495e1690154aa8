class Message
  def show(chunk)
    broadcast_append_to chat, target: "list", partial: "messages/chunk", locals: { content: chunk.content }
    html = ApplicationController.renderer.render(partial: "messages/chunk", locals: { content: chunk.content })
    broadcast_append_to chat, target: "list", html: html
    broadcast_append_to chat, target: "list", content: ERB::Util.html_escape(chunk.content)
    broadcast_update_to chat, target: "state", html: ""
  end
end
