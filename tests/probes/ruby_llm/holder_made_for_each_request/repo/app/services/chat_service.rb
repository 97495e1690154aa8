class ChatService
  def initialize
    @chat = RubyLLM.chat(provider: :openrouter)
  end

  def ask(text)
    @chat.ask(text).content
  end
end
