class ChatStream
  def call(chat)
    Turbo::StreamsChannel.broadcast_append_to(chat.id, target: "turns", partial: "chats/bubble", locals: { turn: turn })
  end
end
