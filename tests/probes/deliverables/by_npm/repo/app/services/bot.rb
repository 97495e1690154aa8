class Bot
  KEY = "OPENROUTER_API_KEY"

  def chat
    context = RubyLLM.context { |c| c.openrouter_api_key = ENV.fetch(KEY) }
    context.chat(model: :"anthropic/claude-sonnet-4-5", provider: :openrouter)
  end
end
