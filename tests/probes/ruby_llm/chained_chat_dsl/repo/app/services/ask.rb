class Ask
  def call(text)
    RubyLLM.chat(provider: :openrouter)
           .with_system_prompt("Be brief.")
           .ask(text)
  end

  def other(history, text)
    chat.messages = history
    chat.send_message(text)
    chat.history.each { |m| m }
  end

  def chat = (@chat ||= RubyLLM.chat)
end
