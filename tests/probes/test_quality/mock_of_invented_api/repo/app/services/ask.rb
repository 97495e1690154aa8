class Ask
  def call(text)
    chat = RubyLLM.chat
    chat.user(text)
    chat.ask(text).text
  end
end
