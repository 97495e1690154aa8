class Ask
  def call(store, text)
    chat = RubyLLM.chat
    store.turns.each { |turn| remember(chat, turn) }
    reply = chat.ask(text)
    reply.content
  end

  private

  def remember(chat, turn)
    chat.add_message(role: turn.role, content: turn.body)
    chat.assistant(turn.body) if turn.odd?
  end
end
