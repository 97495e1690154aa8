class Ask
  def call(text)
    return "No key is set." if ENV["OPENROUTER_API_KEY"].blank?

    RubyLLM.chat(model: "a/b", provider: :openrouter, assume_model_exists: true).ask(text).content
  rescue RubyLLM::Error, Faraday::TimeoutError
    "The assistant cannot be reached."
  end
end
