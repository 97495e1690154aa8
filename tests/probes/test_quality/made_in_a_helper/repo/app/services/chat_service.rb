class ChatService
  def initialize
    @chat = RubyLLM.chat(provider: :openrouter).with_instructions("Be brief.")
  end

  def ask(text)
    @chat.ask(text).content
  end
end
