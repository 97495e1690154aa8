class Ask
  OUTAGES = [Faraday::Error, RubyLLM::Error].freeze

  def call(text)
    chat.ask(text).content
  rescue *OUTAGES => error
    Rails.logger.warn(error.message)
    "The assistant cannot be reached."
  rescue RubyLLM::ConfigurationError, RubyLLM::ModelNotFoundError
    "The assistant is not set up."
  end

  private

  def chat
    @chat ||= RubyLLM.chat(model: ENV.fetch("MODEL", "claude-sonnet-4"))
  end
end
