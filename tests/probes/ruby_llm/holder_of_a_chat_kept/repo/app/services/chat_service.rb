class ChatService
  CHATS = {}

  class << self
    def for(visitor)
      CHATS[visitor] ||= new
    end
  end

  def initialize
    @chat = RubyLLM.chat(provider: :openrouter).with_instructions("Be brief.")
  end

  def ask(text)
    @chat.ask(text).content
  end
end
