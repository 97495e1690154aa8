class Reply
  def initialize(chat_factory: RubyLLM.method(:chat))
    @chat_factory = chat_factory
  end

  def call(text) = @chat_factory.call(provider: :openrouter).ask(text).content
end
