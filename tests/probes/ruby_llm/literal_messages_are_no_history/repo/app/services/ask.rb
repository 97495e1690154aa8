class Ask
  def call(text)
    chat = RubyLLM.chat
    [{ role: :system, content: "Be brief." }].each { |m| chat.add_message(m) }
    chat.ask(text).content
  end
end
