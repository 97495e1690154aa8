class Ask
  PROMPT = "You are a helpful assistant.".freeze

  def call(history, text)
    messages = [{ role: "system", content: PROMPT }, *history, { role: "user", content: text }]
    client.chat(parameters: { model: "anthropic/claude-sonnet-4.5", messages: }).dig("choices", 0, "message", "content")
  end

  private

  def client = OpenAI::Client.new(access_token: ENV["OPENROUTER_API_KEY"])
end
