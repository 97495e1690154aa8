class Support
  def answer(history, text)
    agent = SupportAgent.new
    history.each { |turn| agent.add_message(role: turn[:role], content: turn[:content]) }
    agent.ask(text).content
  end
end
