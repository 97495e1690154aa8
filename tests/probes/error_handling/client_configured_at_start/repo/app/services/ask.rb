class Ask
  def call(messages)
    reply = OpenAI::Client.new.chat(parameters: { model: "anthropic/claude-sonnet-4.5", messages: messages })
    reply.dig("choices", 0, "message", "content")
  rescue OpenAI::Error, Faraday::Error => e
    "The assistant is unavailable: #{e.message}"
  end
end
