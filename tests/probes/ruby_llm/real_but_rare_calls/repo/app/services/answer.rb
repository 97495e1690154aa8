class Answer
  def self.call(turns, text)
    chat = ::RubyLLM::Chat.new(model: "anthropic/claude-sonnet-4.5", provider: :openrouter)
    chat.messages << RubyLLM::Message.new(role: :system, content: "Be kind.")
    turns.each do |turn|
      chat.messages << RubyLLM::Message.new(role: turn.role, content: turn.text)
    end
    chat.with_model("anthropic/claude-sonnet-4.5", provider: :openrouter, assume_exists: true)
    chat.with_params(max_tokens: 500).with_headers("X-Title" => "Demo")
    chat.on_end_message { |message| Rails.logger.info(message&.output_tokens) }
    chat.add_message({ role: :user, content: text })
    chat.complete { |chunk| print chunk.content }
    reply = chat.say("And shorter?", with: nil)
    used = chat.map { |message| message.input_tokens.to_i }.sum
    [reply.content, used, chat.messages.last.content, chat.tap { |c| c.with_temperature(1) }.model.id]
  end
end
