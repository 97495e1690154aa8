class Reply
  def stored(messages)
    chat = RubyLLM.chat(model: "anthropic/claude-sonnet-4.5", provider: :openrouter)
    messages.each { |m| chat.add_message(role: m.role, content: m.content) }
    chat.complete.content
  end

  def fresh(text)
    RubyLLM::Chat.new(model: "anthropic/claude-sonnet-4.5").ask(text).content
  end
end
