class Ask
  def initialize(chat: RubyLLM.chat)
    @chat = chat
  end

  def label = "Ask"
  def call(text) = @chat.ask(text).content
end
