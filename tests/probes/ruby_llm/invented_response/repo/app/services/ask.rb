class Ask
  def call(text)
    @response = chat.ask(text)
    Rails.logger.info(@response.usage.total_tokens)
    @response&.text ||
      @response.choices.first.message.content ||
      @response["choices"]
  end

  def stream(text)
    chat.ask(text) do |chunk|
      print chunk.delta
      print chunk.content
    end
  end

  def chat
    return @chat if @chat

    @chat = RubyLLM.chat
  end
end
