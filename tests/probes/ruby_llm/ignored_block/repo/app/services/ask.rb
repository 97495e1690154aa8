class Ask
  def call(history, text)
    response = RubyLLM.chat(model: "anthropic/claude-sonnet-4.5") do |c|
      c.with_instructions("Be brief.")
      history.each { |m| c.add_message(role: m[:role], content: m[:content]) }
      c.user text
    end
    response.ask(text).content

    RubyLLM.chat.with_model("anthropic/claude-sonnet-4.5") { |chat| chat.ask(text) }
  end
end
