class Ask
  def call(history)
    RubyLLM.chat(model: "anthropic/claude-sonnet-4.5", messages: history).content
  end

  def again(history)
    RubyLLM.chat.complete(history)
  end

  def third(text)
    RubyLLM.chat.ask(role: :user, content: text)
  end
end
