class ReplyJob
  def perform(chat)
    chat.ask("x") { |chunk| Turbo::StreamsChannel.broadcast_append_to(chat, target: "r", html: chunk.content) }
    text = chat.messages.last.content
    Turbo::StreamsChannel.broadcast_update_to(chat, target: "r", html: "<p>" + text + "</p>")
  end
end
