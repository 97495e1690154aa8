class Ask
  def initialize(client: RubyLLM)
    @client = client
  end

  def call(text)
    @client.chat(provider: :openrouter).ask(text).content
  rescue RubyLLM::Error
    "Sorry."
  end
end
