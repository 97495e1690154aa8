class Ask
  def call(text) = build_chat.ask(text).content

  private

  def build_chat = RubyLLM.chat(provider: :openrouter)
end
