class OpenRouterClient
  URL = URI("https://openrouter.ai/api/v1/chat/completions")

  def ask(messages)
    response = Net::HTTP.post(URL, { messages: }.to_json, "Authorization" => "Bearer #{ENV["OPENROUTER_API_KEY"]}")
    JSON.parse(response.body).dig("choices", 0, "message", "content")
  rescue SocketError, Timeout::Error => e
    "No answer: #{e.message}"
  end
end
