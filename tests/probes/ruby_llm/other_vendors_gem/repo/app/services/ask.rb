class Ask
  def initialize
    @client = OpenAI::Client.new(access_token: ENV["OPENROUTER_API_KEY"], uri_base: "https://openrouter.ai/api/v1")
  end

  def call(messages)
    response = @client.chat(parameters: { model: "anthropic/claude-sonnet-4.5", messages: messages })
    response.dig("choices", 0, "message", "content")
  rescue Faraday::Error => e
    "No answer: #{e.message}"
  end
end
