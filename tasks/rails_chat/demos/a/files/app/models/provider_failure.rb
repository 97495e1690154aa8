# Says in the user's words why the provider gave no reply.
module ProviderFailure
  MISSING_KEY = "No API key is configured: set OPENROUTER_API_KEY and restart the app.".freeze
  REJECTED_KEY = "The provider rejected the API key. Check OPENROUTER_API_KEY.".freeze
  UNREACHABLE = "The provider could not be reached. Your message was not lost: send it again.".freeze
  UNAVAILABLE = "The model is not available right now. Try again in a moment.".freeze

  EXPLANATIONS = {
    RubyLLM::ConfigurationError => MISSING_KEY,
    RubyLLM::UnauthorizedError => REJECTED_KEY,
    RubyLLM::ForbiddenError => REJECTED_KEY,
    RubyLLM::PaymentRequiredError => "The provider account is out of credit.",
    RubyLLM::RateLimitError => "Too many requests just now. Wait a moment, then send it again.",
    RubyLLM::ContextLengthExceededError => "This conversation is too long for the model. Start a new chat.",
    RubyLLM::BadRequestError => "The provider did not accept this message. Rephrase it and try again.",
    RubyLLM::ModelNotFoundError => "The configured model is unknown. Check LLM_MODEL.",
    RubyLLM::ServerError => UNAVAILABLE,
    RubyLLM::ServiceUnavailableError => UNAVAILABLE,
    RubyLLM::OverloadedError => UNAVAILABLE,
    Faraday::TimeoutError => "The model took too long to answer. Try again in a moment.",
    Faraday::ConnectionFailed => UNREACHABLE,
    Faraday::SSLError => UNREACHABLE,
    ChatTurn::UnreadableReply => "The model sent an answer that could not be read. Try again."
  }.freeze

  def self.explain(error)
    EXPLANATIONS.find { |kind, _| error.is_a?(kind) }&.last || "The model gave no answer. Try again in a moment."
  end
end
