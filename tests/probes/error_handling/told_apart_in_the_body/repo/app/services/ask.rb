class Ask
  API_KEY = ENV["OPENROUTER_API_KEY"]

  def self.configured? = API_KEY.present?

  def call(text)
    return "No key" unless self.class.configured?

    RubyLLM.chat.ask(text).content
  rescue StandardError => e
    explain(e)
  end

  def explain(error)
    case error
    when RubyLLM::UnauthorizedError then "The key is wrong"
    when Faraday::TimeoutError then "Too slow"
    else "No answer"
    end
  end
end
