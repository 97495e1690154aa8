class Ask
  def initialize(chat: RubyLLM.chat)
    @chat = chat
  end

  def call(text) = @chat.ask(text).content
end
