class Ask
  def initialize(chat = RubyLLM.chat)
    @chat = chat
  end

  def call(text)
    @chat.send_message(text)
    @chat.ask(text).content
  end
end
