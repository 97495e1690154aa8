class Ask
  class Error < StandardError; end
  class Unavailable < Error; end

  FAILURES = [RubyLLM::Error, Faraday::Error].freeze

  def call(text)
    RubyLLM.chat.ask(text).content
  rescue *FAILURES => e
    raise Unavailable, "The model is away: #{e.message}"
  end
end
