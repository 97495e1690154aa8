class Ask
  def call(text)
    chat = RubyLLM.chat
    chat.user(text)
  end
end
