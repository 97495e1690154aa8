class Ask
  def call(stored, text)
    chat = RubyLLM.chat
    chat.with_instructions("Be brief.").with_temperature(0.5)
    stored.each { |turn| chat.add_message(role: turn.role, content: turn.content) }
    RubyLLM.chat.ask(text)
  end
end
