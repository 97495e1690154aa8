class Ask
  Result = Struct.new(:text, :error, keyword_init: true)

  def call(text)
    return Result.new(error: "No API key is set") if ENV["OPENROUTER_API_KEY"].blank?

    Result.new(text: RubyLLM.chat.ask(text).content)
  rescue JSON::ParserError
    raise
  rescue RubyLLM::RateLimitError, RubyLLM::ServerError => e
    Result.new(error: "Busy: #{e.message}")
  rescue StandardError
    Result.new(error: "Something went wrong")
  end
end
