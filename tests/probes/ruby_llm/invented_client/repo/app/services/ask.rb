class Ask
  def call(history)
    client = RubyLLM::Client.new(api_key: ENV["OPENROUTER_API_KEY"])
    client.chat(messages: history).choices.first.message.content
  end
end
