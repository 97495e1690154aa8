class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  rescue RubyLLM::ConfigurationError
    "No key is configured"
  rescue RubyLLM::Error, Faraday::Error
    "No answer"
  end
end
