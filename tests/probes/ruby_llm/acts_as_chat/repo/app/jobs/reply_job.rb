class ReplyJob < ApplicationJob
  def perform(chat_id, text)
    chat = Chat.find(chat_id)
    chat.with_instructions("Help #{chat.user.name}.")
    chat.ask(text) { |chunk| chat.broadcast_append_to(chat, html: chunk.content) }
    chat.title = "New"
  end
end
