class Support
  def answer(text)
    agent = SupportAgent.new
    agent.run(text)
    agent.ask(text).content
  end
end
