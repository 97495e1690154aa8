class Ask
  def call(history)
    chat = RubyLLM.chat
    chat.messages = history
    chat.complete.content
  end
end
