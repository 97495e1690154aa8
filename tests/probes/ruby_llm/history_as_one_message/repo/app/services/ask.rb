class Ask
  def call(history)
    chat = RubyLLM.chat.with_instructions("Be brief.")
    chat.ask(messages(history)).content
  end

  private

  def messages(history)
    history.map { |turn| { role: turn.role, content: turn.content } }
  end
end
