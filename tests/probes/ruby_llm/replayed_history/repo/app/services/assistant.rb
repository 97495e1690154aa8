class Assistant
  def initialize(history)
    @history = history
  end

  def reply(text)
    replay
    response = chat.ask(text) { |chunk| yield chunk.content if block_given? }
    Rails.logger.info("#{response.model_id}: #{response.input_tokens} + #{response.output_tokens}")
    response.content
  end

  private

  def chat
    @chat ||= RubyLLM
      .chat(model: "anthropic/claude-sonnet-4.5", provider: :openrouter, assume_model_exists: true)
      .with_temperature(0.3)
      .with_instructions("Be brief.")
  end

  def replay
    @history.each { |turn| chat.add_message(role: turn["role"].to_sym, content: turn["content"]) }
  end
end
