class Assistant
  def initialize(conversation)
    @conversation = conversation
  end

  def reply_to(text)
    chat.ask(text).content
  end

  private

  def chat
    RubyLLM.chat(provider: :openrouter, model: "anthropic/claude-sonnet-4.5")
           .with_instructions("Be brief.")
           .tap { |c| @conversation.each_message { |m| c.add_message(role: m.role, content: m.content) } }
  end
end
